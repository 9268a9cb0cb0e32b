"""Read-only questions about jobs; every answer is a frozen value, no row leaves."""

from jobs.reports.campaigns import JobReport as JobReport
from jobs.reports.campaigns import JobSummary as JobSummary
from jobs.reports.campaigns import job_list as job_list
from jobs.reports.campaigns import job_report as job_report
from jobs.reports.health import Health as Health
from jobs.reports.health import health as health
from jobs.reports.items import ItemFilter as ItemFilter
from jobs.reports.items import ItemView as ItemView
from jobs.reports.items import item_page as item_page
from jobs.reports.items import item_view as item_view
from jobs.reports.money import LedgerLine as LedgerLine
from jobs.reports.money import RouteCost as RouteCost
from jobs.reports.money import cost_by_route as cost_by_route
from jobs.reports.money import ledger_page as ledger_page
from jobs.reports.workers import WorkerPage as WorkerPage
from jobs.reports.workers import WorkerRow as WorkerRow
from jobs.reports.workers import worker_page as worker_page
from jobs.reports.workers import worker_rows as worker_rows
