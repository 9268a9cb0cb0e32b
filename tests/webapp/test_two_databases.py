"""The same pages and the same API over SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from jobs.db import reading
from jobs.reports.spending import N_POINTS, spending
from tests.webapp.browsing import close, open_app, seed, sign_in
from tests.webapp.test_api import Program
from webapp.auth import limiter

PAGES = (
    "/", "/jobs", "/jobs/1", "/jobs/1/spending",
    "/jobs/1/items?state=conflict&kind=tags&agreement=99&worker=1",
    "/jobs/1/items/5", "/jobs/1/workers", "/jobs/1/ledger", "/jobs/1/ledger.csv", "/jobs/1/exports",
    "/adjudicate", "/adjudicate?after=0.5~3", "/datasets", "/datasets/1", "/jobs/new",
    "/jobs/new/question?dataset=1", "/jobs/2/review", "/people", "/health",
)  # fmt: skip
DATA = (
    "/jobs", "/jobs/1", "/jobs/1/items", "/jobs/1/items/5", "/jobs/1/labels", "/jobs/1/ledger",
    "/jobs/1/workers", "/jobs/2/estimate", "/datasets", "/schemas",
)  # fmt: skip


def test_every_page_and_every_reply_on_both_databases(tmp_path: Path, database_url: str) -> None:
    seed(tmp_path / "data", database_url=database_url)
    app = open_app(tmp_path / "data", database_url=database_url)
    limiter.enabled = False
    client, program = sign_in(app, "admin"), Program(app, "admin")
    for address in PAGES:
        assert client.get(address).status_code == 200, address
    for path in DATA:
        assert program.get(path).status_code == 200, path
    odd = {"value": {"boxes": []}, "reason": "a\x00b", "expected_version": 0}
    assert program.send("/jobs/1/items/1/labels/boxes", odd).status_code in (400, 422)
    with reading(app.extensions["hitworks"].sessions) as session:
        whole, *routes = spending(session, 1)
    assert whole.points[-1][1] == sum(route.points[-1][1] for route in routes)
    assert len(whole.points) <= N_POINTS + 1
    assert [one.points[0][1] for one in (whole, *routes)] == [0] * (1 + len(routes))
    assert "Spending grew to" in client.get("/jobs/1/spending").text
    amounts = [amount for _, amount in whole.points]
    assert amounts == sorted(amounts)
    limiter.enabled = True
    close(app)
