"""The command behind ``scripts/simulate``: play seeds, print a table, end with 1 on a failure."""

from __future__ import annotations

import os
import sys
import time

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.simulation.run import Tally, failure_text, run_in_processes, run_seed

_MOST_SEEDS = 10_000_000
_MOST_FAILURES_SHOWN = 3


@click.command()
@click.option("--seeds", type=click.IntRange(1), help="How many seeds to play.")
@click.option("--first", default=0, show_default=True, help="The first seed.")
@click.option("--faults-target", type=click.IntRange(1), help="Stop after this many faults.")
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="one a core",
    help="How many to play at a time.",
)
@click.option("--trace", is_flag=True, help="Play one seed and print all that happens.")
def main(
    seeds: int | None, first: int, faults_target: int | None, processes: int, trace: bool
) -> None:
    """Play whole jobs under faults, each from its seed, and judge how they ended."""
    console = Console(highlight=False)
    if trace:
        report = run_seed(first)
        click.echo("\n".join(report.trace))
        click.echo(f"trace {report.trace_sha256}, databases {report.digest}")
        for trouble in report.troubles:
            click.echo(f"  {trouble}")
        sys.exit(bool(report.troubles))
    if seeds is None and faults_target is None:
        raise click.UsageError("expected --seeds or --faults-target")
    started = time.monotonic()
    tally = _play(range(first, first + (seeds or _MOST_SEEDS)), faults_target, processes, console)
    console.print(_table(tally, time.monotonic() - started))
    for report in tally.failed[:_MOST_FAILURES_SHOWN]:
        click.echo(failure_text(report))
    if tally.failed:
        click.echo(f"{len(tally.failed)} seeds failed: {[one.seed for one in tally.failed]}")
    sys.exit(bool(tally.failed))


def _play(seeds: range, faults_target: int | None, n_processes: int, console: Console) -> Tally:
    tally = Tally()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        unit = "faults" if faults_target else "seeds"
        task = progress.add_task(unit, total=faults_target or len(seeds))
        for report in run_in_processes(seeds, n_processes):
            tally.add(report)
            done = min(tally.n_faults, faults_target) if faults_target else tally.n_seeds
            failed = f", {len(tally.failed)} failed" if tally.failed else ""
            progress.update(task, completed=done, description=f"{unit}{failed}")
            if faults_target and tally.n_faults >= faults_target:
                break
    return tally


def _table(tally: Tally, seconds: float) -> Table:
    table = Table("what", "number", title=f"{tally.n_seeds:,} seeds in {seconds:,.0f} seconds")
    table.columns[1].justify = "right"
    for kind, times in sorted(tally.faults.items()):
        table.add_row(f"fault: {kind}", f"{times:,}")
    table.add_row("faults in all", f"{tally.n_faults:,}", end_section=True)
    for kind, times in tally.troubles.items():
        table.add_row(kind, f"{times:,}")
    return table


if __name__ == "__main__":
    main()
