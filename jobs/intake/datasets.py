"""Items in: every row of an import is accepted, or refused with a reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs import formats
from jobs.blobs import Blobs
from jobs.errors import Conflict, InvalidInput, NotFound, ProviderError
from jobs.formats import IncomingItem
from jobs.images import LARGEST_BYTES, ImageFacts, browser_file, inspect_image
from jobs.intake.facts import FactSheet, fault_of
from jobs.tables import Dataset, Intake, Item

LONGEST_NAME = 200
_CHUNK = 500
_SHOWN = 5  # refusals in a message

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Refusal:
    """A row that was not taken in, and why."""

    row: int
    name: str
    reason: str


@dataclass(frozen=True)
class IntakeReport:
    """What an import did: ``n_rows = n_accepted + n_refused``."""

    dataset_id: int
    intake_id: int
    n_rows: int
    n_accepted: int
    n_refused: int
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True)
class _Ready:
    """An image whose bytes are in the store."""

    incoming: IncomingItem
    facts: ImageFacts
    n_bytes: int
    blob_key: str


def import_dataset(
    session: Session,
    blobs: Blobs,
    *,
    name: str,
    source: Path | str,
    format: str,  # noqa: A002 - the word that the command and the form use
    now: datetime,
    licence: str = "",
    item_source: str = "",
    progress: Progress | None = None,
    rows: Iterable[IncomingItem] | None = None,
) -> IntakeReport:
    """Add the images at ``source`` to the dataset ``name``, made if there is none yet.

    ``rows``, where given, are those of the source, and ``format`` is not asked.

    ``licence`` and ``item_source`` hold for rows that state none. An image that the
    dataset has already, by its bytes, is refused as a duplicate, so importing twice adds
    nothing. All images are read and stored before the first query: the database is
    written in one short step at the end, and an error before it leaves nothing but
    unused image bytes.

    Raises:
        InvalidInput: for an unknown format, a name that is no name, or a source that
            cannot be read at all, has no rows, or no row that could be taken in.
        Conflict: when another import changed the same dataset in the same moment.

    """
    check_name(name)
    check_line(licence, "licence")
    check_line(item_source, "source")
    incoming = list(formats.item_reader(format)(Path(source)) if rows is None else rows)
    if not incoming:
        raise InvalidInput(f"{source}: expected images, found no rows")
    defaults = {"licence": licence, "source": item_source}
    ready: list[_Ready] = []
    refusals: list[Refusal] = []
    for number, item in enumerate(incoming, start=1):
        taken = _take_in(item, blobs, defaults)
        if isinstance(taken, _Ready):
            ready.append(taken)
        else:
            refusals.append(taken)
        if progress:
            progress(number, len(incoming))
    if not ready:
        raise InvalidInput(f"{source}: expected images, could take in none of {told(refusals)}")
    return _save(session, name, str(source), ready, refusals, now)


def find_dataset(session: Session, name: str) -> Dataset:
    """The dataset called ``name``; NotFound when there is none."""
    dataset = session.scalar(select(Dataset).where(Dataset.name == name))
    if dataset is None:
        raise NotFound(f"dataset {name!r:.100}: no such dataset")
    return dataset


def told(refusals: Sequence[Refusal]) -> str:
    """How many rows were refused, and why the first of them were."""
    shown = [f"row {one.row} {one.name:.100}: {one.reason}" for one in refusals[:_SHOWN]]
    more = [f"and {len(refusals) - _SHOWN:,} more"] if len(refusals) > _SHOWN else []
    return ": ".join([f"{len(refusals):,} rows", *filter(None, ["; ".join([*shown, *more])])])


def _take_in(item: IncomingItem, blobs: Blobs, defaults: dict[str, str]) -> _Ready | Refusal:
    """The image in the store, or the reason why it is refused."""
    try:
        if item.refusal:
            raise InvalidInput(item.refusal)
        check_line(item.licence, "licence")
        check_line(item.source, "source")
        data = read_file(item.path) if item.path else blobs.fetch(item.uri)
        facts = inspect_image(data)
    except (InvalidInput, NotFound, ProviderError) as error:
        return Refusal(item.row, printable(item.name), str(error))
    stated = {key: getattr(item, key) or default for key, default in defaults.items()}
    kept = dataclasses.replace(item, **stated)  # type: ignore[arg-type]
    return _Ready(kept, facts, len(data), blobs.put(browser_file(data), facts.media_type))


def read_file(path: Path) -> bytes:
    """At most one byte more than an image may have: the size on disk may change meanwhile."""
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"file: cannot be read ({type(error).__name__})") from error


def _save(
    session: Session,
    name: str,
    source: str,
    ready: list[_Ready],
    refusals: list[Refusal],
    now: datetime,
) -> IntakeReport:
    try:
        with session.begin_nested():
            dataset = _dataset(session, name, now)
            known = known_images(session, dataset.id, [each.facts.sha256 for each in ready])
            fresh, duplicates = _part_duplicates(ready, known)
            session.add_all(_item(dataset.id, each, now) for each in fresh)
            refused = sorted((*refusals, *duplicates), key=lambda refusal: refusal.row)
            intake = Intake(
                dataset_id=dataset.id,
                dataset_name=name,
                source=source,
                n_rows=len(fresh) + len(refused),
                n_accepted=len(fresh),
                n_refused=len(refused),
                refusals=[dataclasses.asdict(refusal) for refusal in refused],
                facts=_fact_sheet(fresh, refused).body(),
                created_at=now,
                finished_at=now,
            )
            session.add(intake)
    except IntegrityError as error:
        raise Conflict(f"dataset {name!r}: another import changed it; import again") from error
    return IntakeReport(
        dataset.id, intake.id, intake.n_rows, intake.n_accepted, intake.n_refused, tuple(refused)
    )


def _fact_sheet(fresh: Sequence[_Ready], refused: Sequence[Refusal]) -> FactSheet:
    sheet = FactSheet()
    for each in fresh:
        sheet.add_image(
            width=each.facts.width,
            height=each.facts.height,
            n_bytes=each.n_bytes,
            is_turned=each.facts.is_turned,
            blob_key=each.blob_key,
        )
    for refusal in refused:
        sheet.add_refusal(fault_of(refusal.reason))
    return sheet


def _dataset(session: Session, name: str, now: datetime) -> Dataset:
    dataset = session.scalar(select(Dataset).where(Dataset.name == name))
    if dataset is None:
        dataset = Dataset(name=name, created_at=now)
        session.add(dataset)
        session.flush()
    return dataset


def known_images(session: Session, dataset_id: int, digests: Sequence[str]) -> dict[str, str]:
    """Names of the items that the dataset has already, by their image's sha256."""
    known: dict[str, str] = {}
    for start in range(0, len(digests), _CHUNK):
        rows = session.execute(
            select(Item.sha256, Item.name).where(
                Item.dataset_id == dataset_id, Item.sha256.in_(digests[start : start + _CHUNK])
            )
        )
        known.update((sha256, name) for sha256, name in rows)
    return known


def _part_duplicates(
    ready: list[_Ready], known: dict[str, str]
) -> tuple[list[_Ready], list[Refusal]]:
    """Images that are new, and those that equal an earlier one."""
    seen = dict(known)
    fresh: list[_Ready] = []
    duplicates: list[Refusal] = []
    for each in ready:
        item, digest = each.incoming, each.facts.sha256
        if digest in seen:
            reason = f"duplicate: the same image as {seen[digest]!r:.200}"
            duplicates.append(Refusal(item.row, item.name, reason))
        else:
            seen[digest] = item.name
            fresh.append(each)
    return fresh, duplicates


def _item(dataset_id: int, ready: _Ready, now: datetime) -> Item:
    item, facts = ready.incoming, ready.facts
    return Item(
        dataset_id=dataset_id,
        sha256=facts.sha256,
        name=item.name,
        blob_key=ready.blob_key,
        media_type=facts.media_type,
        width=facts.width,
        height=facts.height,
        licence=item.licence,
        source=item.source,
        attributes=dict(item.attributes),
        created_at=now,
    )


def check_name(name: str) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            f"dataset name: expected 1 to {LONGEST_NAME} characters, got {name!r:.80}"
        )


def check_line(text: str, what: str) -> None:
    if len(text) > 2000 or not text.isprintable():
        raise InvalidInput(f"{what}: expected one line of at most 2,000 characters")


def printable(name: str) -> str:
    """The name as reports and terminals can show it: what cannot be printed is escaped."""
    return (name if name.isprintable() else ascii(name)[1:-1])[:LONGEST_NAME]
