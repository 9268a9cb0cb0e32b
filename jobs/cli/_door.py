"""What every command shares: the clock, one transaction, text or JSON, a progress bar."""

from __future__ import annotations

import dataclasses
import getpass
import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from jobs import db
from jobs.clock import Clock, database_clock, machine_time
from jobs.errors import Conflict, InvalidInput
from jobs.installation import migrating
from jobs.rehearsals.forecast import OpenMarketplace
from jobs.resources import Resources, open_resources
from jobs.settings import Settings

LONGEST_INPUT = 16 * 1024 * 1024  # of a schema, job or value file

LARGEST_ROW_ID = 2**63 - 1


class Whole(click.IntRange):
    """A whole number in plain digits: no other script's, no underscores."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,30}", value, re.ASCII):
            self.fail(f"expected a whole number, got {value[:40]!r}", param, ctx)
        return super().convert(value, param, ctx)


class Real(click.FloatRange):
    """A number in plain digits that is one: never NaN or infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, str) and not re.fullmatch(r"-?[0-9]*\.?[0-9]+", value, re.ASCII):
            self.fail(f"expected a number such as 0.5, got {value[:40]!r}", param, ctx)
        return super().convert(value, param, ctx)


ROW_ID = Whole(1, LARGEST_ROW_ID)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
settings_of = click.pass_obj


MARKETPLACE = "hitworks.marketplace"  # under which the root command hands one down


def open_marketplace() -> OpenMarketplace:
    """What starts a throwaway marketplace; the root command knows how, this package does not."""
    given = click.get_current_context().find_root().meta.get(MARKETPLACE)
    if given is None:
        raise click.UsageError("expected to be run as: hitworks …")
    return cast(OpenMarketplace, given)


def now() -> datetime:
    """The door's clock, the one time a command passes down: the opened database's, if one is."""
    return _clock.get()()


def actor() -> str:
    """Who is at the keyboard, for the books."""
    return f"cli:{getpass.getuser()}"


_clock: ContextVar[Clock] = ContextVar("clock", default=machine_time)


@contextmanager
def reading(settings: Settings) -> Iterator[Session]:
    """A consistent view of the database for queries only."""
    with _sessions(settings) as sessions, db.reading(sessions) as session:
        yield session


@contextmanager
def writing(settings: Settings) -> Iterator[Session]:
    """One transaction: all of a command or nothing of it."""
    with _sessions(settings) as sessions, db.transaction(sessions) as session:
        yield session


@contextmanager
def resources(settings: Settings) -> Iterator[Resources]:
    """For commands that reach venues: they commit before and after each outside effect."""
    with _sessions(settings) as sessions:
        yield open_resources(settings, sessions, now)


@contextmanager
def progress_bar(title: str, is_shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal's error stream, driven by ``(n_done, n_total)``."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not is_shown or not sys.stderr.isatty(),
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


def show(
    value: object, as_json: bool, text: Callable[[], Table | str] | Table | str | None = None
) -> None:
    """``value`` as JSON, or its text for people."""
    if as_json:
        click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False))
    elif text is not None:
        shown = text() if callable(text) else text
        console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
        console.print(shown, markup=False) if isinstance(shown, str) else console.print(shown)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A table whose number columns are flush right."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        is_number = bool(rows) and all(_is_number(row[index]) for row in rows)
        made.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


def plain(value: object) -> Any:
    """Only what JSON holds: dataclasses as objects, times as ISO text, NaN as null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read_text(path: Path) -> str:
    """The text of a small file; "-" reads what is piped in."""
    if str(path) == "-":
        return sys.stdin.read(LONGEST_INPUT)
    try:
        if path.stat().st_size > LONGEST_INPUT:
            raise InvalidInput(f"{path}: expected at most {LONGEST_INPUT:,} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.reason
        raise InvalidInput(f"{path}: expected a readable UTF-8 file: {reason}") from error


def share(value: float | None) -> str:
    """``0.873`` for people; a dash where there is nothing to say."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.3f}"


def interval(mean: float | None, low: float | None, high: float | None) -> str:
    """``0.870 [0.790, 0.940]`` for people; a dash where there is nothing to say."""
    return "–" if mean is None else f"{share(mean)} [{share(low)}, {share(high)}]"


@contextmanager
def _sessions(settings: Settings) -> Iterator[db.Sessions]:
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = db.open_engine(settings.database())
    try:
        reach(engine)
        _make_current(engine)
        _clock.set(database_clock(engine))
        yield db.open_sessions(engine)
    finally:
        _clock.set(machine_time)
        engine.dispose()


def prepare(settings: Settings) -> None:
    """The data folder, and a database at the newest schema."""
    with _sessions(settings):
        pass


def reach(engine: Engine) -> None:
    """Say so, in one line, when there is no database to work with."""
    try:
        engine.connect().close()
    except DatabaseError as error:
        raise Conflict(f"database: cannot be opened: {error.orig}") from error


def _make_current(engine: Engine) -> None:
    """Bring an embedded database to the newest schema; a shared one is brought there on purpose."""
    if migrating.is_current(engine):
        return
    if engine.dialect.name != "sqlite":
        raise Conflict("database: not at the newest schema; run: hitworks db upgrade")
    migrating.upgrade(engine, now())


def _is_number(cell: object) -> bool:
    text = str(cell).lstrip("$-").replace(",", "")
    return cell is None or text in ("–", "") or text.replace(".", "", 1).rstrip("%").isdecimal()
