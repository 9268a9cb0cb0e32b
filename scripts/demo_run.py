"""The whole path on one machine: real photos in, consensus labels out, three routes, one ledger.

scripts/demo             leaves the dashboard running at the end
scripts/demo --exit      ends everything instead
"""

from __future__ import annotations

import argparse
import io
import json
import socket
import time
from collections.abc import Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import Any

import demo_photos
import demo_score
import demo_steps
import requests
from rich.console import Console
from rich.live import Live
from rich.table import Table

from jobs.cli import _door
from jobs.marketplace_accounts import read_admin_token
from jobs.money import format_usd
from jobs.rehearsals import robots as crowd_robots
from jobs.reports import JobReport, job_report
from jobs.reports.batches import batch_list
from jobs.settings import Settings, read_settings
from jobs.spending.ledger import balances, differences
from jobs.work import unfinished
from webapp.cli import hitworks, web_address
from webapp.stack import Stack, stop_on_signals

EXPORTS = ("coco", "voc", "yolo", "csv_tags", "jsonl")
MOST_SECONDS = 240.0
LOOK_SECONDS = 0.7
SOON = timedelta(minutes=1)  # later work is the hourly check of the books
QUIET_SECONDS = 3.0  # nothing left to do for so long means that all is done

console = Console(highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run HITworks' demo.")
    parser.add_argument("--exit", action="store_true", help="end everything at the end")
    parser.add_argument("--data-dir", type=Path, default=demo_steps.ROOT / "var/demo")
    parser.add_argument("--hurry", type=float, default=40.0, help="robots' speed, people's being 1")
    arguments = parser.parse_args()
    started = time.monotonic()
    settings = demo_settings(arguments.data_dir.resolve())
    demo_steps.fresh_folder(settings.data_dir)
    with stop_on_signals() as should_stop:
        step("Photos and models")
        photos = settings.data_dir / "photos"
        manifest = demo_photos.build(photos)
        demo_steps.make_detector(settings.models())
        step("Queue server, marketplace, web app, background workers")
        with Stack(settings, lambda line: console.print(f"  {line}", style="dim")) as stack:
            job_id = launch_job(settings, manifest)
            report = run_crowd(settings, photos, job_id, arguments.hurry, stack, should_stop)
            files = write_exports(settings, job_id)
            show_results(settings, report, files, time.monotonic() - started)
            if not arguments.exit and not should_stop():
                console.print(f"\n[bold]Dashboard:[/] {web_address(settings)}")
                console.print(f"Worker pages: {settings.local_mturk()}/worker   Ctrl-C ends all.")
                stack.supervise(should_stop)


def demo_settings(data_dir: Path) -> Settings:
    """One machine, quick polling, and free ports where the usual ones are taken."""
    names = ("web_port", "marketplace_port", "content_port")
    usual = read_settings()
    ports: dict[str, Any] = {name: free_port(getattr(usual, name)) for name in names}
    return usual.model_copy(
        update={
            **ports, "data_dir": data_dir, "poll_seconds": 1.0, "sweep_seconds": 1.0,
            "database_url": "", "marketplace_database_url": "", "redis_url": "", "blob_url": "",
            "mturk_local_url": "", "public_url": "", "models_dir": "", "log_level": "warning",
        }
    )  # fmt: skip


def free_port(usual: int) -> int:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", usual))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch_job(settings: Settings, manifest: Path) -> int:
    """Import, question, known answers, job: each by its command. The job's id."""
    folder = settings.data_dir
    box_gold, tag_gold = demo_steps.write_gold(folder)
    demo_steps.write_job(folder / "job.yaml")
    step("Dataset, question, known answers")
    command(settings, "dataset", "import", str(manifest), "--name", "demo photos")
    command(settings, "schema", "save", str(demo_steps.DATA / "schema.yaml"))
    gold = ("--name", "demo photos", "--schema", "photos")
    command(settings, "dataset", "gold", str(box_gold), *gold, "--format", "coco")
    command(settings, "dataset", "gold", str(tag_gold), *gold, "--format", "csv_tags")
    step("Job: models, staff and crowd")
    command(settings, "job", "create", str(folder / "job.yaml"))
    command(settings, "job", "estimate", "1")
    command(settings, "job", "launch", "1", "--yes")
    return 1


def command(settings: Settings, *arguments: str) -> None:
    """One hitworks command, shown and run."""
    announce(arguments)
    run_command(settings, *arguments)


def announce(arguments: Sequence[str]) -> None:
    console.print(
        f"  [green]$[/] hitworks {' '.join(_shown(one) for one in arguments)}", soft_wrap=True
    )


def run_command(settings: Settings, *arguments: str) -> None:
    hitworks.main(list(arguments), prog_name="hitworks", standalone_mode=False, obj=settings)


def _shown(argument: str) -> str:
    short = argument.replace(f"{demo_steps.ROOT}/", "")
    return f'"{short}"' if " " in short else short


def run_crowd(
    settings: Settings, photos: Path, job_id: int, hurry: float, stack: Stack, should_stop: Any
) -> JobReport:
    """Robots at work on the worker pages until nothing is left to do; the job's report then."""
    step("Robot workers on the marketplace's pages, over HTTP")
    truths = demo_steps.truths(settings, photos)
    robots = demo_steps.make_robots(settings, hurry)
    done: list[crowd_robots.Done] = []
    started = quiet_since = time.monotonic()
    with (
        crowd_robots.crowd(settings.local_mturk(), robots, truths, done.append) as errors,
        Live(console=console, refresh_per_second=4) as live,
    ):
        while not should_stop():
            stack.tend()
            with _door.reading(settings) as session:
                report = job_report(session, job_id)
                batches = batch_list(session, job_id)
                soon = _door.now() + SOON
                is_idle = not any(
                    row.state == "running" or (row.state == "ready" and row.next_try_at < soon)
                    for row in unfinished(session)
                )
            live.update(progress_table(report, batches, len(done)))
            now = time.monotonic()
            quiet_since = quiet_since if is_idle else now
            if errors:
                raise SystemExit(f"a robot failed: {errors[0]}")
            if now - quiet_since > QUIET_SECONDS:
                return report
            if now - started > MOST_SECONDS:
                raise SystemExit(f"not done after {MOST_SECONDS:g} s: see {settings.data_dir}/logs")
            time.sleep(LOOK_SECONDS)
    raise SystemExit("interrupted")


def progress_table(report: JobReport, batches: Any, n_done: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for column in ("  route", "question", "HITs", "submitted", "", "state"):
        is_number = column in ("HITs", "submitted")
        table.add_column(column, justify="right" if is_number else "left", no_wrap=True)
    for row in batches:
        part = row.n_assignments / row.n_wanted if row.n_wanted else 0.0
        filled = round(20 * part)
        table.add_row(
            f"  {row.provider}", row.kind, str(row.n_hits),
            f"{row.n_assignments}/{row.n_wanted}", "█" * filled + "░" * (20 - filled), row.state,
        )  # fmt: skip
    summary = report.summary
    table.add_row(
        "  labels", "", "", f"{summary.n_labels}/{summary.n_questions}",
        f"{n_done} HITs by robots", f"{format_usd(summary.spent_micros)} spent",
    )  # fmt: skip
    return table


def write_exports(settings: Settings, job_id: int) -> dict[str, Path]:
    step("Exports")
    files = {}
    for name in EXPORTS:
        arguments = ("export", "write", str(job_id), "--format", name)
        announce(arguments)
        with _captured() as out:
            run_command(settings, *arguments, "--json")
        made = json.loads(out())
        files[name] = Path(made["path"])
        console.print(f"    {made['n_labels']} labels: {made['path']}", soft_wrap=True)
    return files


@contextmanager
def _captured() -> Any:
    """What a command prints, instead of printing it."""
    stream = io.StringIO()
    with redirect_stdout(stream):
        yield stream.getvalue


def show_results(
    settings: Settings, report: JobReport, files: dict[str, Path], seconds: float
) -> None:
    boxes, tags = demo_score.scores(files["coco"], files["csv_tags"])
    summary = report.summary
    table = Table(title="\nWhat came out", title_justify="left", box=None, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    per_label = summary.spent_micros // summary.n_labels if summary.n_labels else 0
    for name, text in (
        ("items", f"{summary.n_items} views of real photos, {len(demo_steps.GOLD)} of them gold"),
        ("answers", str(summary.n_answers)),
        ("labels", f"{summary.n_labels} of {summary.n_questions} questions"),
        ("for a person", f"{summary.n_conflicts} questions that the answers leave unsure"),
        ("agreement", f"{_door.share(summary.agreement)} between workers"),
        ("box accuracy", f"F1 {boxes.value:.3f} at IoU 0.5, mean IoU {boxes.mean_iou or 0:.3f}"),
        ("", f"on {boxes.n} hand-drawn boxes of {boxes.n_items} views held back"),
        ("tag accuracy", f"{tags.value:.3f} on {tags.n} answers about {tags.n_items} views"),
        *route_lines(report),
        ("total", f"{format_usd(summary.spent_micros)} of {format_usd(summary.budget_micros)}"),
        ("cost per label", format_usd(per_label)),
        ("books", books_line(settings, summary.id)),
        ("exports", str(files["coco"].parent)),
        ("time", f"{seconds:.0f} s"),
    ):  # fmt: skip
        table.add_row(name, text)
    console.print(table)


def route_lines(report: JobReport) -> list[tuple[str, str]]:
    lines = []
    for route in report.routes:
        cost = route.reward_micros + route.fee_micros + route.bonus_micros
        lines.append(
            (
                f"cost {route.provider} {route.kind}",
                f"{format_usd(cost)} for {route.n_assignments} assignments "
                f"({route.n_approved} approved, {route.n_rejected} rejected)",
            )
        )
    return lines


def books_line(settings: Settings, job_id: int) -> str:
    """Our ledger against the marketplace's own books, to the cent."""
    token = read_admin_token(settings.data_dir)
    told = requests.get(
        f"{settings.local_mturk()}/admin/books/local",
        headers={"Authorization": f"Bearer {token}"}, timeout=30,
    ).json()  # fmt: skip
    with _door.reading(settings) as session:
        wrong = differences(session)
        report = job_report(session, job_id)
        held = balances(session, job_id).get("held", 0)
    ours = sum(
        route.reward_micros + route.fee_micros + route.bonus_micros
        for route in report.routes if route.provider == "mturk"
    )  # fmt: skip
    theirs = told["spent_cents"] * 10_000
    if wrong or ours != theirs:
        raise SystemExit(f"books differ: ours {ours}, the marketplace's {theirs}: {wrong}")
    return f"agree with the marketplace's to the cent ({format_usd(ours)}); {format_usd(held)} held"


def step(title: str) -> None:
    console.print(f"[bold]==> {title}[/]")


if __name__ == "__main__":
    main()
