"""Services: an import that people start, watch and may cancel; ``taking_in`` does the work.

An import is a row from its first byte on. What browsers send waits in a folder of its own
until the background has taken it in; a cancelled or forgotten import leaves nothing.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from jobs import work
from jobs.blobs import parse_s3_prefix
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.intake.archives import MOST_BYTES, MOST_FILES, safe_path
from jobs.intake.datasets import check_line, check_name
from jobs.settings import Settings
from jobs.tables import Intake

UPLOAD = "upload"
CALL = "take_in"
FORGOTTEN = timedelta(days=1)
"""How long an upload may rest before it is taken for given up."""
_UNDECIDED = ("receiving", "planned", "checking")


def begin_upload(
    session: Session,
    *,
    name: str,
    actor: str,
    now: datetime,
    licence: str = "",
    item_source: str = "",
) -> Intake:
    """An import that waits for its files; given up by itself when none come for a day."""
    row = _begin(session, UPLOAD, name, actor, now, licence, item_source)
    row.state, row.staged = "receiving", secrets.token_hex(16)
    session.flush()
    work.enqueue(session, CALL, row.id, now, at=now + FORGOTTEN)
    return row


def begin_elsewhere(
    session: Session,
    settings: Settings,
    *,
    place: str,
    name: str,
    actor: str,
    now: datetime,
    licence: str = "",
    item_source: str = "",
) -> Intake:
    """An import of ``s3://bucket/prefix``, or of a folder that the administrator allows.

    Raises:
        InvalidInput: for a place that is neither, or a name that is no name.

    """
    if place.startswith("s3://"):
        parse_s3_prefix(place)
        source = place
    else:
        source = str(allowed_path(settings, place))
    row = _begin(session, source, name, actor, now, licence, item_source)
    row.state = "planned"
    session.flush()
    work.enqueue(session, CALL, row.id, now)
    return row


def allowed_folders(settings: Settings) -> tuple[Path, ...]:
    """Folders on the server from which managers may import."""
    named = (part.strip() for part in settings.import_folders.split(","))
    return tuple(Path(part).resolve() for part in named if part)


def allowed_path(settings: Settings, place: str) -> Path:
    """The folder or file at ``place``, links followed, inside an allowed folder.

    Raises:
        InvalidInput: when it is not inside one, or not there.

    """
    roots = allowed_folders(settings)
    if not roots:
        raise InvalidInput(
            "place: no folder of the server may be imported from: an administrator names them "
            "in HITWORKS_IMPORT_FOLDERS"
        )
    try:
        path = Path(place).resolve()
        is_there = path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise InvalidInput(f"place: {place!r:.200} cannot be followed") from error
    if not path.is_absolute() or not any(path.is_relative_to(root) for root in roots):
        shown = ", ".join(str(root) for root in roots)
        raise InvalidInput(f"place: expected a folder inside {shown}, got {place!r:.200}")
    if not is_there:
        raise InvalidInput(f"place: there is no {place!r:.200} on the server")
    return path


def reserve(session: Session, intake_id: int, n_files: int, n_bytes: int, now: datetime) -> str:
    """The staging folder's name, once there is room for this much more in the import.

    Raises:
        Conflict: when the import takes no more files.
        InvalidInput: when it would be too much.

    """
    row = _locked(session, intake_id)
    if row.state != "receiving":
        raise Conflict(f"import {intake_id} is {row.state}: it takes no more files")
    if row.n_files + n_files > MOST_FILES:
        raise InvalidInput(f"upload: expected at most {MOST_FILES:,} files in one import")
    if row.n_bytes + n_bytes > MOST_BYTES:
        raise InvalidInput(f"upload: expected at most {MOST_BYTES // 1024**3} GiB in one import")
    row.n_files, row.n_bytes, row.touched_at = row.n_files + n_files, row.n_bytes + n_bytes, now
    session.flush()
    return row.staged


def awaited(session: Session, intake_id: int) -> str:
    """The staging folder's name while files may still come; empty afterwards."""
    row = session.get(Intake, intake_id)
    if row is None:
        raise NotFound(f"import {intake_id}: no such import")
    return row.staged if row.state == "receiving" else ""


def start(session: Session, intake_id: int, now: datetime) -> None:
    """All files are there: hand the import to the background. A second start changes nothing.

    Raises:
        Conflict: when the import was cancelled.
        InvalidInput: when no file came.

    """
    row = _locked(session, intake_id)
    if row.state == "cancelled":
        raise Conflict(f"import {intake_id} was cancelled: begin a new one")
    if row.state != "receiving":
        return
    if not row.n_files:
        raise InvalidInput("files: expected a zip archive, images, or a manifest; got none")
    row.state, row.touched_at = "planned", now
    session.flush()
    work.enqueue(session, CALL, intake_id, now)


def cancel(session: Session, intake_id: int, now: datetime) -> None:
    """Give an import up: it leaves no item, no file and no row behind.

    Raises:
        Conflict: when its images are being stored already, or it has ended.

    """
    row = _locked(session, intake_id)
    if row.state == "cancelled":
        return
    if row.state not in _UNDECIDED:
        said = "is storing its images and ends by itself" if row.state == "keeping" else row.state
        raise Conflict(f"import {intake_id} {said}: it cannot be cancelled any more")
    row.state, row.touched_at = "cancelled", now
    session.flush()
    work.enqueue(session, CALL, intake_id, now)


def uploads_folder(settings: Settings) -> Path:
    """Where files wait that browsers have sent."""
    return settings.data_dir / "uploads"


def received_folder(settings: Settings, staged: str) -> Path:
    """Where the files of one import lie as they were sent."""
    return uploads_folder(settings) / str(safe_path(staged)) / "received"


def _begin(
    session: Session,
    source: str,
    name: str,
    actor: str,
    now: datetime,
    licence: str,
    item_source: str,
) -> Intake:
    check_name(name)
    check_line(licence, "licence")
    check_line(item_source, "source")
    row = Intake(
        dataset_name=name,
        source=source,
        n_rows=0,
        n_accepted=0,
        n_refused=0,
        refusals=[],
        licence=licence,
        item_source=item_source,
        actor=actor,
        created_at=now,
        touched_at=now,
    )
    session.add(row)
    return row


def _locked(session: Session, intake_id: int) -> Intake:
    row = session.get(Intake, intake_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(f"import {intake_id}: no such import")
    return row
