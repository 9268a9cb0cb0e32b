"""Limits, backups, totals and health, as the pages show and change them."""

from __future__ import annotations

import re
from datetime import timedelta

from click.testing import CliRunner
from flask import Flask

from jobs import findings
from jobs.db import reading, transaction
from jobs.installation.backup_records import FILE, BackupRecord, last_backup, remember
from jobs.reports.heads import job_head
from jobs.reports.totals import day_totals, worker_totals
from jobs.spending import limits
from tests.webapp.browsing import sign_in
from tests.webapp.campaign import NOW
from webapp.cli import hitworks


def _kept(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def test_limits_are_set_after_a_look_and_taken_away_again(app: Flask) -> None:
    client, sessions = sign_in(app), app.extensions["hitworks"].sessions
    assert client.post("/settings/limits/local", data={"cap": "0.01"}).status_code == 422
    seen = client.post("/settings/limits/local", data={"cap": "900", "hourly": ""}).text
    assert "at most $900.00" in seen
    for _ in range(2):
        assert client.post("/settings/limits/local", data=_kept(seen)).status_code == 302
    with reading(sessions) as session:
        assert limits.limits_of(session, "local", NOW).cap_micros == 900_000_000
    assert client.post("/settings/limits/local", data={"cap": "lots"}).status_code == 422
    gone = client.post("/settings/limits/local", data={"cap": "", "hourly": ""}).text
    client.post("/settings/limits/local", data=_kept(gone))
    with reading(sessions) as session:
        assert limits.limits_of(session, "local", NOW).cap_micros is None
    assert client.get("/settings/limits/mars").status_code == 404


def test_a_backup_is_remembered_and_an_old_one_is_said_to_be_old(app: Flask) -> None:
    client, place = sign_in(app), app.extensions["hitworks"].settings
    assert "none on record" in client.get("/settings").text
    file = place.data_dir / "one.backup"
    made = CliRunner().invoke(
        hitworks, ["--data-dir", str(place.data_dir), "db", "backup", str(file)]
    )
    assert made.exit_code == 0, made.output
    record = last_backup(place.data_dir)
    assert record is not None
    assert (record.file, record.n_bytes) == (str(file), file.stat().st_size)
    page = client.get("/settings").text
    assert str(file) in page
    old = record.model_copy(update={"made_at": NOW - timedelta(days=8)})
    remember(place.data_dir, old)
    assert "older than a week" in client.get("/settings").text
    assert (place.data_dir / FILE).stat().st_mode & 0o077 == 0


def test_a_broken_record_is_no_record(app: Flask) -> None:
    folder = app.extensions["hitworks"].settings.data_dir
    (folder / FILE).write_text('{"made_at": 1')
    assert last_backup(folder) is None
    remember(folder, BackupRecord(made_at=NOW, file="x", n_bytes=1, n_rows=1, n_pictures=0))
    assert last_backup(folder) is not None


def test_the_ledgers_totals_add_up_to_what_the_job_spent(app: Flask) -> None:
    with reading(app.extensions["hitworks"].sessions) as session:
        head = job_head(session, 1)
        days, workers = day_totals(session, 1), worker_totals(session, 1)
    assert sum(one.spent_micros for one in days) == head.spent_micros
    assert 0 < sum(one.earned_micros for one in workers) <= head.spent_micros
    assert workers[0].earned_micros == max(one.earned_micros for one in workers)
    page = sign_in(app).get("/jobs/1/ledger/totals").text
    assert f'href="/jobs/1/ledger?from={days[0].day}&amp;to={days[0].day}"' in page
    assert sign_in(app).get("/jobs/99/ledger/totals").status_code == 404


def test_a_finding_is_shown_with_what_was_found_out_beside_it(app: Flask) -> None:
    client, sessions = sign_in(app), app.extensions["hitworks"].sessions
    with transaction(sessions) as session:
        findings.report(session, "books:1", "They differ.", NOW, None)
    client.post("/findings/1/resolve", data={"note": "A refund of ours."})
    page = client.get("/findings").text
    assert '<td class="wrap pre">They differ.</td>' in page
    assert '<td class="wrap">manager@example.org: A refund of ours.</td>' in page


def test_health_tells_whether_the_queue_answers_and_what_waits(app: Flask) -> None:
    client = sign_in(app)
    assert "does not answer" in client.get("/health/queue").text
    client.post("/findings/reconcile")
    assert "<code>reconcile:0</code>" in client.get("/health").text
