"""Counts that cannot drift: the database keeps them in the transaction of the rows they count.

``fold`` keeps them short, ``read`` gives them, ``differences`` counts everything anew and
compares. What is counted is listed in ``jobs.migrations.counting``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select, text, true
from sqlalchemy.orm import Session

from jobs.migrations.counting import COLUMNS, COUNTS, facets, truth
from jobs.migrations.counting import N_BINS as N_BINS
from jobs.tables import Tally


def fold(session: Session, owner_id: int) -> None:
    """Replace the rows of each of this job's counts by their sum; the counts stay what they are.

    Two folds at once do no harm: a row is summed by the one that deletes it.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    place = "subject, owner_id, part_id, key"
    session.execute(
        text(
            f"WITH many AS (SELECT {place} FROM tally WHERE owner_id = :owner "  # noqa: S608
            f"GROUP BY {place} HAVING count(*) > 1), "
            f"gone AS (DELETE FROM tally t USING many m WHERE t.owner_id = :owner "
            "AND t.subject = m.subject AND t.part_id = m.part_id AND t.key = m.key "
            "RETURNING t.subject, t.owner_id, t.part_id, t.key, t.n) "
            f"INSERT INTO tally ({COLUMNS}) SELECT {place}, sum(n) FROM gone "
            f"GROUP BY {place} HAVING sum(n) <> 0"
        ),
        {"owner": owner_id},
    )


@dataclass(frozen=True)
class Counts:
    """Counts of one owner by subject, then by (part, key)."""

    by_subject: Mapping[str, Mapping[tuple[int, str], int]]

    def total(self, subject: str) -> int:
        """The sum over all parts and keys."""
        return sum(self.by_subject.get(subject, {}).values())

    def by_key(self, subject: str) -> dict[str, int]:
        """Sums by key over all parts, without zeros."""
        return _summed((key, n) for (_, key), n in self.by_subject.get(subject, {}).items())

    def by_part(self, subject: str) -> dict[int, int]:
        """Sums by part over all keys, without zeros."""
        return _summed((part, n) for (part, _), n in self.by_subject.get(subject, {}).items())

    def of_part(self, subject: str, part: int) -> dict[str, int]:
        """Counts of one part by key, without zeros."""
        found = self.by_subject.get(subject, {}).items()
        return _summed((key, n) for (own, key), n in found if own == part)


def read(
    session: Session,
    owner_ids: Iterable[int],
    *subjects: str,
    parts: Collection[int] | None = None,
) -> dict[int, Counts]:
    """The counts of these subjects by owner, of all parts or these: one query, whatever it is."""
    of_parts = true() if parts is None else Tally.part_id.in_(parts)
    rows = session.execute(
        select(Tally.owner_id, Tally.subject, Tally.part_id, Tally.key, func.sum(Tally.n))
        .where(Tally.owner_id.in_(list(owner_ids)), Tally.subject.in_(subjects), of_parts)
        .group_by(Tally.owner_id, Tally.subject, Tally.part_id, Tally.key)
        .order_by(Tally.owner_id, Tally.subject, Tally.part_id, Tally.key)
    )
    found: dict[int, dict[str, dict[tuple[int, str], int]]] = {}
    for owner_id, subject, part_id, key, n in rows:
        found.setdefault(owner_id, {}).setdefault(subject, {})[part_id, key] = int(n)
    return {owner_id: Counts(found.get(owner_id, {})) for owner_id in owner_ids}


def differences(session: Session) -> list[str]:
    """Every count that is not what its rows say, in words; counts all rows, so it takes a while."""
    dialect = session.get_bind().dialect.name
    known = _places(session, f"SELECT {COLUMNS} FROM tally")  # noqa: S608
    counted: dict[tuple[object, ...], int] = {}
    for table in COUNTS:
        counted |= _places(session, truth(table, dialect))
    found = [
        f"{place[0]} of {place[1]}, part {place[2]}, {place[3]!r}: "
        f"expected {counted.get(place, 0)}, got {known.get(place, 0)}"
        for place in sorted(counted.keys() | known.keys(), key=str)
        if counted.get(place, 0) != known.get(place, 0)
    ]
    kept = {tuple(row) for row in session.execute(text("SELECT job_id, name, item_id FROM facet"))}
    said = {tuple(row) for row in session.execute(text(facets(dialect)))}
    return found + [f"facet {row}: kept and said differ" for row in sorted(kept ^ said)]


def _places(session: Session, query: str) -> dict[tuple[object, ...], int]:
    found: dict[tuple[object, ...], int] = {}
    for *place, n in session.execute(text(query)):
        found[tuple(place)] = found.get(tuple(place), 0) + int(n)
    return {place: n for place, n in found.items() if n}


def _summed(pairs: Iterable[tuple[int | str, int]]) -> dict:  # type: ignore[type-arg]
    found: dict[int | str, int] = {}
    for key, n in pairs:
        found[key] = found.get(key, 0) + n
    return {key: n for key, n in found.items() if n}
