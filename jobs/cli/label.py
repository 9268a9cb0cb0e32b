"""Final values: look at them, decide them, undo a decision."""

from __future__ import annotations

from pathlib import Path

import click

from jobs.adjudication import deciding, reserving
from jobs.adjudication.deciding import Verdict
from jobs.adjudication.reasons import LABEL_REASONS, NO_LABEL_REASONS, reason_words
from jobs.adjudication.rounds import Decider
from jobs.adjudication.seeing import decisions_for, item_for
from jobs.cli import _door
from jobs.errors import InvalidInput
from jobs.records import WAITING
from jobs.reports.conflicts import ConflictRow, Queue, conflicts
from jobs.reports.decisions import set_aside_reasons, set_asides
from jobs.reports.heads import job_head
from jobs.settings import Settings
from jobs.strict_json import loads
from jobs.tables import Label

_kind_option = click.option(
    "--kind", type=click.Choice(["boxes", "tags"]), required=True, help="Which question."
)
_version_option = click.option(
    "--version",
    "expected",
    type=_door.Whole(0, 10**9),
    required=True,
    help="The newest version you looked at; 0 for none.",
)
_note_option = click.option("--note", default="", help="A few words, kept with the decision.")
_limit_option = click.option(
    "--limit", type=_door.Whole(1, 1000), default=60, show_default=True, help="Most rows."
)


@click.group("label")
def group() -> None:
    """Labels: look, adjudicate, set aside, ask for a second look, take back."""


@group.command("show")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def show(settings: Settings, job_id: int, item_id: int, as_json: bool) -> None:
    """An item's answers, consensus and label versions."""
    with _door.reading(settings) as session:
        view = item_for(session, job_id, item_id, _decider().name)
    rows = [
        (one.kind, one.version, one.origin, _door.share(one.confidence), one.actor, one.value)
        for one in view.labels
    ]
    columns = ("question", "version", "origin", "confidence", "by", "value")
    _door.show(view, as_json, _door.table(columns, rows))


@group.command("conflicts")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--kind", type=click.Choice(["boxes", "tags"]), default=None, help="Only these.")
@click.option("--state", type=click.Choice(WAITING), default=None, help="Only these.")
@click.option("--about", default="", help="Only answers with class:NAME or ATTRIBUTE=OPTION.")
@_limit_option
@_door.json_option
@_door.settings_of
def list_conflicts(
    settings: Settings,
    job_id: int,
    kind: str | None,
    state: str | None,
    about: str,
    limit: int,
    as_json: bool,
) -> None:
    """The least sure questions that want a person, worst first."""
    queue = Queue(job_id, kind or "", state or "", about)
    with _door.reading(settings) as session:
        job_head(session, job_id)  # NotFound for an unknown job
        rows = conflicts(session, queue, limit=limit, now=_door.now())
    shown = [
        (row.item_id, row.item, row.kind, row.state, _door.share(row.confidence), row.n_answers,
         row.looked_at_by_name)
        for row in rows
    ]  # fmt: skip
    columns = ("id", "item", "question", "state", "confidence", "answers", "looked at by")
    _door.show(rows, as_json, _door.table(columns, shown))


@group.command("next")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--kind", type=click.Choice(["boxes", "tags"]), default=None, help="Only these.")
@_door.json_option
@_door.settings_of
def take_next(settings: Settings, job_id: int, kind: str | None, as_json: bool) -> None:
    """Take the worst question that nobody looks at; it is yours for three minutes."""
    with _door.writing(settings) as session:
        job_head(session, job_id)
        queue = Queue(job_id, kind or "")
        found = reserving.take_next(session, queue, by=_decider(), now=_door.now())
    _door.show(found, as_json, _told(found))


@group.command("release")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_kind_option
@_door.json_option
@_door.settings_of
def release(settings: Settings, job_id: int, item_id: int, kind: str, as_json: bool) -> None:
    """Leave a question that you took, so that others get it."""
    with _door.writing(settings) as session:
        reserving.release(session, job_id, item_id, kind, by=_decider())
    _door.show({"item_id": item_id, "kind": kind}, as_json, f"item {item_id} {kind}: free")


@group.command("adjudicate")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_kind_option
@click.option("--value", "path", type=click.Path(path_type=Path), required=True, help="JSON file.")
@click.option("--reason", type=click.Choice(list(LABEL_REASONS)), required=True, help="Why.")
@_note_option
@_version_option
@_door.json_option
@_door.settings_of
def adjudicate(
    settings: Settings,
    job_id: int,
    item_id: int,
    kind: str,
    path: Path,
    reason: str,
    note: str,
    expected: int,
    as_json: bool,
) -> None:
    """Decide a label yourself; refused when somebody else decided since."""
    verdict = Verdict(_read_value(path), reason, note)
    _decide(settings, (job_id, item_id, kind), verdict, expected, as_json)


@group.command("set-aside")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_kind_option
@click.option("--reason", type=click.Choice(list(NO_LABEL_REASONS)), required=True, help="Why.")
@_note_option
@_version_option
@_door.json_option
@_door.settings_of
def set_aside(
    settings: Settings,
    job_id: int,
    item_id: int,
    kind: str,
    reason: str,
    note: str,
    expected: int,
    as_json: bool,
) -> None:
    """Give a question no label: it stays out of exports and is counted by its reason."""
    verdict = Verdict(None, reason, note)
    _decide(settings, (job_id, item_id, kind), verdict, expected, as_json)


@group.command("set-asides")
@click.argument("job_id", type=_door.ROW_ID)
@click.option("--reason", type=click.Choice(list(NO_LABEL_REASONS)), default=None, help="Only it.")
@_limit_option
@_door.json_option
@_door.settings_of
def list_set_asides(
    settings: Settings, job_id: int, reason: str | None, limit: int, as_json: bool
) -> None:
    """Questions that were given no label, and why."""
    with _door.reading(settings) as session:
        job_head(session, job_id)
        by_reason = set_aside_reasons(session, job_id)
        rows = set_asides(session, job_id, reason=reason or "", limit=limit)
    shown = [
        (row.item_id, row.item, row.kind, reason_words(row.reason), row.note, row.actor)
        for row in rows
    ]
    table = _door.table(("id", "item", "question", "why", "note", "by"), shown)
    _door.show({"by_reason": by_reason, "rows": rows}, as_json, table)


@group.command("ask")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_kind_option
@click.option("--note", required=True, help="What the next person should look at.")
@click.option("--value", "path", type=click.Path(path_type=Path), help="Your draft, a JSON file.")
@_version_option
@_door.json_option
@_door.settings_of
def ask(
    settings: Settings,
    job_id: int,
    item_id: int,
    kind: str,
    note: str,
    path: Path | None,
    expected: int,
    as_json: bool,
) -> None:
    """Ask for a second look: another person must decide, and until then there is no label."""
    value = None if path is None else _read_value(path)
    with _door.writing(settings) as session:
        made = deciding.ask(
            session,
            job_id,
            item_id,
            kind,
            note=note,
            value=value,
            by=_decider(),
            expected_version=expected,
            now=_door.now(),
        )
        _show_made(made, as_json)


@group.command("undo")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_kind_option
@_version_option
@_door.json_option
@_door.settings_of
def undo(
    settings: Settings, job_id: int, item_id: int, kind: str, expected: int, as_json: bool
) -> None:
    """Take the last decision back: the question is again as it was before it."""
    with _door.writing(settings) as session:
        made = deciding.undo(
            session,
            job_id,
            item_id,
            kind,
            by=_decider(),
            expected_version=expected,
            now=_door.now(),
        )
        _show_made(made, as_json)


@group.command("decisions")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_door.json_option
@_door.settings_of
def list_decisions(settings: Settings, job_id: int, item_id: int, as_json: bool) -> None:
    """What people did about an item's questions, newest first."""
    with _door.reading(settings) as session:
        rows = decisions_for(session, job_id, item_id, _decider().name)
    shown = [
        (row.kind, row.version, row.act, reason_words(row.reason), row.note, row.state_after,
         row.actor)
        for row in rows
    ]  # fmt: skip
    columns = ("question", "version", "act", "why", "note", "state after", "by")
    _door.show(rows, as_json, _door.table(columns, shown))


@group.command("revert")
@click.argument("job_id", type=_door.ROW_ID)
@click.argument("item_id", type=_door.ROW_ID)
@_kind_option
@click.option(
    "--version", type=_door.Whole(1, 10**9), required=True, help="The version whose value returns."
)
@_door.json_option
@_door.settings_of
def revert(
    settings: Settings, job_id: int, item_id: int, kind: str, version: int, as_json: bool
) -> None:
    """Make the value of an older version the newest again."""
    with _door.writing(settings) as session:
        made = deciding.revert(
            session, job_id, item_id, kind, version, by=_decider(), now=_door.now()
        )
        _show_made(made, as_json)


def _decide(
    settings: Settings,
    question: tuple[int, int, str],
    verdict: Verdict,
    expected: int,
    as_json: bool,
) -> None:
    with _door.writing(settings) as session:
        made = deciding.decide(
            session,
            *question,
            verdict,
            by=_decider(),
            expected_version=expected,
            now=_door.now(),
        )
        _show_made(made, as_json)


def _show_made(made: Label, as_json: bool) -> None:
    told = {"item_id": made.item_id, "kind": made.kind, "version": made.version}
    told["origin"] = made.origin
    _door.show(told, as_json, f"item {made.item_id} {made.kind}: version {made.version}")


def _told(found: ConflictRow | None) -> str:
    if found is None:
        return "nothing is left that you may decide"
    return f"item {found.item_id} {found.kind}: {found.item}, {_door.share(found.confidence)} sure"


def _decider() -> Decider:
    """Who is at the keyboard; whoever may run commands may do what managers may."""
    return Decider(_door.actor(), is_manager=True)


def _read_value(path: Path) -> dict[str, object]:
    try:
        value = loads(_door.read_text(path))
    except ValueError as error:
        raise InvalidInput(f"{path}: expected JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"{path}: expected an object, got {type(value).__name__}")
    return value
