"""Background call: an import from its files to items, going on wherever it was broken off.

Three steps, each in pages that commit what they found: list the rows, check every image,
store the good ones. Only the last step touches the dataset, and a page's items are committed
together with the mark that they are: a run that was killed anywhere imports nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs.blobs import open_s3
from jobs.db import insert_new, reading, transaction
from jobs.errors import InvalidInput, NotFound, ProviderError
from jobs.formats import IncomingItem
from jobs.images import browser_file, inspect_image
from jobs.intake import archives, sources
from jobs.intake.datasets import Refusal, check_line, known_images, printable, read_file, told
from jobs.intake.facts import N_SAMPLES, FactSheet, fault_of
from jobs.intake.intakes import FORGOTTEN, UPLOAD, allowed_path
from jobs.intake.runs import Moved, Run, begin, count, owned, page_of, reread, rows_in
from jobs.resources import Resources
from jobs.tables import Dataset, Intake, IntakeFile, Item
from jobs.work import Progress

_LISTED_AT_ONCE = 1_000
_N_TRIES = 3


def take_in(resources: Resources, intake_id: int, progress: Progress) -> datetime | None:
    """Carry the import to its end; repeating it changes nothing.

    A faulty source ends it as ``failed`` with the reason; a passing fault of S3 is raised,
    and the next run goes on where this one was.
    """
    run = begin(resources, intake_id, progress)
    while run is not None and run.state in _STEPS:
        try:
            _STEPS[run.state](run)
        except Moved:
            pass
        except InvalidInput as error:
            _fail(run, str(error))
        run = reread(run)
    if run is None:
        return None
    if run.state == "receiving":
        with reading(resources.sessions) as session:
            row = session.get_one(Intake, intake_id)
            return (row.touched_at or row.created_at) + FORGOTTEN
    _clear(run)
    return None


def _list(run: Run) -> None:
    """Every row of the source, to be checked."""
    rows = _rows(run)
    with transaction(run.resources.sessions) as session:
        owned(session, run)
        session.execute(delete(IntakeFile).where(IntakeFile.intake_id == run.intake_id))
    numbered = _numbered(rows)
    n_total = 0
    while page := list(islice(numbered, _LISTED_AT_ONCE)):
        with transaction(run.resources.sessions) as session:
            owned(session, run)
            values = [_listed(run.intake_id, number, one) for number, one in page]
            session.execute(insert(IntakeFile), values)
        n_total += len(page)
        run.progress(0, 2 * n_total)
    if not n_total:
        raise InvalidInput(f"{_shown(run)}: expected images, found no rows")
    with transaction(run.resources.sessions) as session:
        row = owned(session, run)
        row.state, row.n_total, row.n_checked, row.n_kept = "checking", n_total, 0, 0


def _numbered(rows: Iterable[IncomingItem]) -> Iterator[tuple[int, IncomingItem]]:
    """Each row with its number in the source, by which it is known from here on."""
    last = 0
    for one in rows:
        last = max(last + 1, one.row)
        yield last, one


def _rows(run: Run) -> Iterable[IncomingItem]:
    if run.source == UPLOAD:
        received = run.folder / "received"
        if not received.is_dir():
            _refuse_absent(run)
        return sources.rows_of_folder(sources.lay_out(received, run.folder / "laid", _beat(run)))
    if run.source.startswith("s3://"):
        return sources.rows_of_s3(open_s3(run.resources.settings), run.source)
    path = allowed_path(run.resources.settings, run.source)
    return sources.rows_of_path(path)


def _refuse_absent(run: Run) -> None:
    """The files lie on the machine that received them: its own background finds them."""
    if run.created_at + FORGOTTEN <= run.resources.clock():
        raise InvalidInput("upload: the files that were sent are no longer there; send them again")
    raise ProviderError(
        f"import {run.intake_id}: the files lie in the data folder of the machine that received "
        "them; a background worker there will take them in",
        permanent=False,
    )


def _beat(run: Run) -> Callable[[], None]:
    """Keeps the lease while many small files are unpacked, one beat for each fifty."""
    count = 0

    def beat() -> None:
        nonlocal count
        count += 1
        if count % 50 == 1:
            run.progress(0, 0)

    return beat


def _listed(intake_id: int, row: int, item: IncomingItem) -> dict[str, Any]:
    return {
        "intake_id": intake_id,
        "row": row,
        "state": "refused" if item.refusal else "waiting",
        "name": printable(item.name) if item.refusal else item.name,
        "path": str(item.path) if item.path else "",
        "uri": item.uri,
        "licence": item.licence,
        "source": item.source,
        "attributes": dict(item.attributes),
        "fault": fault_of(item.refusal) if item.refusal else "",
        "reason": item.refusal,
    }


def _check(run: Run) -> None:
    """Decode every image; what is none is refused with its reason."""
    while page := page_of(run, "waiting"):
        with reading(run.resources.sessions) as session:
            intake = session.get_one(Intake, run.intake_id)
        found = [_checked(run, intake, one) for one in page]
        with transaction(run.resources.sessions) as session:
            row = owned(session, run)
            session.execute(update(IntakeFile), found)
            row.n_checked += len(page)
            n_done, n_total = row.n_checked, 2 * row.n_total
        run.progress(n_done, n_total)
    with transaction(run.resources.sessions) as session:
        row = owned(session, run)
        if not count(session, run, "checked"):
            raise InvalidInput(_none_taken(session, run))
        row.state, row.n_checked = "keeping", row.n_total


def _checked(run: Run, intake: Intake, one: IntakeFile) -> dict[str, Any]:
    """The row with the facts of its image, or with the reason why it has none."""
    key = {"intake_id": one.intake_id, "row": one.row}
    stated = {
        "licence": one.licence or intake.licence,
        "source": one.source or intake.item_source,
    }
    try:
        check_line(stated["licence"], "licence")
        check_line(stated["source"], "source")
        data = _bytes_of(run, one)
        facts = inspect_image(data)
    except (InvalidInput, NotFound, ProviderError) as error:
        _raise_passing(error)
        return {**key, **_refused(str(error)), "name": printable(one.name)}
    return {
        **key,
        **stated,
        "state": "checked",
        "sha256": facts.sha256,
        "media_type": facts.media_type,
        "width": facts.width,
        "height": facts.height,
        "n_bytes": len(data),
        "is_turned": facts.is_turned,
    }


def _raise_passing(error: Exception) -> None:
    """What a later try may mend refuses no file: the run ends here and the next goes on."""
    if isinstance(error, ProviderError) and not error.permanent:
        raise error


def _keep(run: Run) -> None:
    """Store the good images page by page, as items of the dataset."""
    while page := page_of(run, "checked"):
        for left in reversed(range(_N_TRIES)):
            try:
                _keep_page(run, page)
                break
            except IntegrityError:  # another import has just added one of these images
                if not left:
                    raise
    _finish(run)


def _keep_page(run: Run, page: Sequence[IntakeFile]) -> None:
    with reading(run.resources.sessions) as session:
        name = session.get_one(Intake, run.intake_id).dataset_name
        dataset_id = session.scalar(select(Dataset.id).where(Dataset.name == name))
        known = known_images(session, dataset_id or 0, [one.sha256 for one in page])
    fresh: list[tuple[IntakeFile, str]] = []
    marks: list[dict[str, Any]] = []
    for one in page:
        key = {"intake_id": one.intake_id, "row": one.row}
        if one.sha256 in known:
            marks.append({**key, **_refused(_same_as(known[one.sha256]))})
            continue
        known[one.sha256] = one.name
        try:
            fresh.append((one, _stored(run, one)))
            marks.append({**key, "state": "kept"})
        except (InvalidInput, NotFound, ProviderError) as error:
            _raise_passing(error)
            del known[one.sha256]
            marks.append({**key, **_refused(str(error))})
    now = run.resources.clock()
    with transaction(run.resources.sessions) as session:
        row = owned(session, run)
        if fresh:
            row.dataset_id = _dataset(session, name, now)
            values = [_item(row.dataset_id, one, blob_key, now) for one, blob_key in fresh]
            session.execute(insert(Item), values)
        session.execute(update(IntakeFile), [{"fault": "", "reason": "", **m} for m in marks])
        row.n_kept += len(page)
        n_done, n_total = row.n_checked + row.n_kept, 2 * row.n_total
    run.progress(n_done, n_total)


def _stored(run: Run, one: IntakeFile) -> str:
    """The key of the image's bytes in the store; they must still be those that were checked."""
    data = _bytes_of(run, one)
    if sha256(data).hexdigest() != one.sha256:
        raise InvalidInput("file: was changed while it was taken in")
    return run.resources.blobs.put(browser_file(data), one.media_type)


def _bytes_of(run: Run, one: IntakeFile) -> bytes:
    return read_file(Path(one.path)) if one.path else run.resources.blobs.fetch(one.uri)


def _dataset(session: Session, name: str, now: datetime) -> int:
    made = insert_new(session, Dataset, {"name": name, "created_at": now})
    return made or session.scalars(select(Dataset.id).where(Dataset.name == name)).one()


def _item(dataset_id: int, one: IntakeFile, blob_key: str, now: datetime) -> dict[str, Any]:
    return {
        "dataset_id": dataset_id,
        "sha256": one.sha256,
        "name": one.name,
        "blob_key": blob_key,
        "media_type": one.media_type,
        "width": one.width,
        "height": one.height,
        "licence": one.licence,
        "source": one.source,
        "attributes": one.attributes,
        "created_at": now,
    }


def _finish(run: Run) -> None:
    with transaction(run.resources.sessions) as session:
        row = owned(session, run)
        dataset_id = session.scalar(select(Dataset.id).where(Dataset.name == row.dataset_name))
        if dataset_id is None:
            raise InvalidInput(_none_taken(session, run))
        row.dataset_id = dataset_id
        row.facts = _fact_sheet(session, run, dataset_id).body()
        _settle(session, run, row, "done")


def _fact_sheet(session: Session, run: Run, dataset_id: int) -> FactSheet:
    sheet = FactSheet()
    kept = rows_in(run, "kept").with_only_columns(
        IntakeFile.sha256,
        IntakeFile.width,
        IntakeFile.height,
        IntakeFile.n_bytes,
        IntakeFile.is_turned,
    )
    first = [one.sha256 for one in session.execute(kept.limit(N_SAMPLES))]
    keys = session.execute(
        select(Item.sha256, Item.blob_key).where(
            Item.dataset_id == dataset_id, Item.sha256.in_(first)
        )
    )
    key_of = dict(keys.all())
    for one in session.execute(kept.execution_options(yield_per=1000)):
        sheet.add_image(
            width=one.width,
            height=one.height,
            n_bytes=one.n_bytes,
            is_turned=one.is_turned,
            blob_key=key_of.get(one.sha256, ""),
        )
    for (fault,) in session.execute(rows_in(run, "refused").with_only_columns(IntakeFile.fault)):
        sheet.add_refusal(fault)
    return sheet


def _settle(session: Session, run: Run, row: Intake, state: str) -> None:
    row.n_accepted, row.n_refused = count(session, run, "kept"), count(session, run, "refused")
    row.n_rows = row.n_accepted + row.n_refused
    row.state, row.finished_at = state, run.resources.clock()


def _fail(run: Run, problem: str) -> None:
    with transaction(run.resources.sessions) as session:
        row = session.get(Intake, run.intake_id, with_for_update=True)
        if row is None or row.run != run.number or row.state == "cancelled":
            return
        row.problem = problem[:4000]
        _settle(session, run, row, "failed")


def _clear(run: Run) -> None:
    """Take away what an ended import needs no more; of a cancelled one, all of it."""
    if run.staged:
        archives.remove(run.folder)
    of_it = IntakeFile.intake_id == run.intake_id
    with transaction(run.resources.sessions) as session:
        row = owned(session, run)
        if run.state == "cancelled":
            session.execute(delete(IntakeFile).where(of_it))
            session.delete(row)
            return
        session.execute(delete(IntakeFile).where(of_it, IntakeFile.state != "refused"))
        row.staged = ""


def _none_taken(session: Session, run: Run) -> str:
    refused = session.scalars(rows_in(run, "refused").limit(6)).all()
    n_more = count(session, run, "refused") - len(refused)
    shown = [Refusal(one.row, one.name, one.reason) for one in refused]
    shown += [Refusal(0, "", "")] * n_more
    return f"{_shown(run)}: expected images, could take in none {told(shown)}"


def _refused(reason: str) -> dict[str, Any]:
    return {"state": "refused", "reason": reason, "fault": fault_of(reason)}


def _same_as(name: str) -> str:
    return f"duplicate: the same image as {name!r:.200}"


def _shown(run: Run) -> str:
    return run.source if run.source != UPLOAD else "upload"


_STEPS = {"planned": _list, "checking": _check, "keeping": _keep}
