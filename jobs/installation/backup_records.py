"""What this machine remembers of its last backup: a small file in the data folder."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

FILE = "last-backup.json"
OLD_AFTER = timedelta(days=7)


class BackupRecord(BaseModel):
    """A backup that was read again and proven whole. ``file`` is where it was written."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    made_at: datetime
    file: str
    n_bytes: int
    n_rows: int
    n_pictures: int

    def is_old(self, now: datetime) -> bool:
        """Whether a week's work would be lost without a newer one."""
        return now - self.made_at > OLD_AFTER


def remember(data_dir: Path, record: BackupRecord) -> None:
    """Put the record in the older one's place, in one step."""
    beside = data_dir / f".{FILE}.new"
    beside.write_text(record.model_dump_json(), encoding="utf-8")
    beside.chmod(0o600)
    beside.replace(data_dir / FILE)


def last_backup(data_dir: Path) -> BackupRecord | None:
    """The last backup made on this machine; None when there is none, or no record to be read."""
    try:
        return BackupRecord.model_validate_json((data_dir / FILE).read_bytes())
    except (OSError, ValidationError):
        return None
