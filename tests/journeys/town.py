"""A whole installation, its processes real, and robots that live in it."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from jobs.blobs import open_blobs
from jobs.cli import _door
from jobs.marketplace_accounts import read_admin_token
from jobs.rehearsals.robots import Robot, crowd, open_account
from jobs.reports import JobReport, job_report
from jobs.settings import Settings
from jobs.spending.ledger import differences
from jobs.work import unfinished
from quality.simulate import WorkerProfile
from tests.journeys import scenes
from webapp.cli import hitworks
from webapp.stack import Stack

EXACT = WorkerProfile(
    "exact", detection=1 - 1e-9, jitter=0, bias=(0, 0, 0, 0), false_boxes=0, class_confusion=0,
    tag_accuracy=1, wrongly_empty=0,
)  # fmt: skip
PATIENCE_SECONDS = 240.0
NEVER_ENDING = {"reconcile", "watch_deadlines"}


@dataclass
class Town:
    """Settings, the running processes, and what the robots know."""

    settings: Settings
    stack: Stack
    folder: Path
    n_robots: int = 0

    def run(self, *arguments: str) -> str:
        """One hitworks command; what it printed."""
        out = io.StringIO()
        with redirect_stdout(out):
            hitworks.main(list(arguments), "hitworks", standalone_mode=False, obj=self.settings)
        return out.getvalue()

    def prepare(self, name: str, n_items: int, *, n_gold: int) -> list[scenes.Scene]:
        """A dataset of drawn scenes by command, the first ones with known answers."""
        folder = self.folder / name
        drawn = scenes.write_folder(folder, n_items)
        (self.folder / "shapes.yaml").write_text(scenes.SCHEMA, encoding="utf-8")
        self.run("dataset", "import", str(folder), "--name", name, "--format", "folder")
        self.run("schema", "save", str(self.folder / "shapes.yaml"))
        boxes, tags = self.folder / f"{name}.json", self.folder / f"{name}.csv"
        scenes.write_box_gold(boxes, drawn[:n_gold])
        scenes.write_tag_gold(tags, drawn[:n_gold])
        for path, form in ((boxes, "coco"), (tags, "csv_tags")):
            self.run(
                "dataset", "gold", str(path), "--name", name, "--schema", "shapes", "--format", form
            )
        return drawn

    def launch(self, job: str) -> int:
        """A job from its YAML, created and launched by command; its id."""
        path = self.folder / "job.yaml"
        path.write_text(job, encoding="utf-8")
        job_id = int(json.loads(self.run("job", "create", str(path), "--json"))["id"])
        self.run("job", "launch", str(job_id), "--yes")
        return job_id

    @contextmanager
    def robots(
        self, drawn: list[scenes.Scene], name: str, *, crowd_of: int = 0, staff_of: int = 0,
        profile: WorkerProfile = EXACT, hurry: float = float("inf"),
    ) -> Iterator[list[Exception]]:  # fmt: skip
        """Robot workers on the marketplace's pages while the block runs."""
        known = scenes.truths(open_blobs(self.settings), self.folder / name, drawn)
        token, made = read_admin_token(self.settings.data_dir), []
        for is_staff in [False] * crowd_of + [True] * staff_of:
            self.n_robots += 1
            robot = Robot(
                f"robot-{self.n_robots}", "a password for robots", profile, self.n_robots,
                is_staff, hurry,
            )  # fmt: skip
            open_account(self.settings.local_mturk(), token, robot)
            made.append(robot)
        with crowd(self.settings.local_mturk(), made, known) as errors:
            yield errors

    def wait_until(self, is_so: Callable[[], bool], what: str) -> None:
        """Tend the processes until it is so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            self.stack.tend()
            if time.monotonic() > deadline:
                raise AssertionError(f"waited too long until {what}\n{self.story()}")
            time.sleep(0.2)

    def wait_for_labels(self, job_id: int, errors: list[Exception]) -> JobReport:
        """The job's report once it is finished and the background is quiet."""

        def is_done() -> bool:
            assert not errors, errors
            with _door.reading(self.settings) as session:
                rows = unfinished(session)
                busy = any(row.task_name not in NEVER_ENDING for row in rows)
                return job_report(session, job_id).summary.state == "finished" and not busy

        self.wait_until(is_done, f"job {job_id} is finished")
        return self.report(job_id)

    def report(self, job_id: int) -> JobReport:
        with _door.reading(self.settings) as session:
            return job_report(session, job_id)

    def export(self, job_id: int, form: str) -> Path:
        """The file of an export made by command."""
        made = json.loads(self.run("export", "write", str(job_id), "--format", form, "--json"))
        return Path(made["path"])

    def check_books(self) -> None:
        """Our entries balance, and agree with the marketplace's own books to the cent."""
        with _door.reading(self.settings) as session:
            assert differences(session) == []
        reports = [
            self.report(int(row["id"])) for row in json.loads(self.run("job", "list", "--json"))
        ]
        ours = sum(
            route.spent_micros for report in reports for route in report.routes
            if route.provider == "mturk"
        )  # fmt: skip
        assert ours == self.venue_books("local")["spent_cents"] * 10_000
        assert sum(report.summary.held_micros for report in reports) == 0

    def venue_books(self, account: str) -> dict[str, Any]:
        """What the marketplace itself says one requester's account has spent and holds."""
        token = read_admin_token(self.settings.data_dir)
        response = requests.get(
            f"{self.settings.local_mturk()}/admin/books/{account}",
            headers={"Authorization": f"Bearer {token}"}, timeout=30,
        )  # fmt: skip
        return dict(response.json())

    def story(self) -> str:
        """The ends of the processes' logs, and the work that waits."""
        with _door.reading(self.settings) as session:
            waiting = [f"{row.key} {row.state} {row.error[-600:]}" for row in unfinished(session)]
        logs = sorted((self.settings.data_dir / "logs").glob("*.log"))
        ends = [f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in logs]
        return "\n".join([*waiting, *ends])


@contextmanager
def open_town(folder: Path, **settings: Any) -> Iterator[Town]:
    """An installation in ``folder`` on free ports, ended afterwards."""
    ports = _free_ports(3)
    usual = {"poll_seconds": 0.5, "sweep_seconds": 1.0, "lease_seconds": 20.0}
    given = Settings(
        data_dir=folder / "data", web_port=ports[0], marketplace_port=ports[1],
        content_port=ports[2], log_level="warning", **(usual | settings),
    )  # fmt: skip
    with Stack(given) as stack:
        yield Town(given, stack, folder)


def _free_ports(n: int) -> list[int]:
    probes = [socket.socket() for _ in range(n)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports
