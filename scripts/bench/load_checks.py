"""After a load run: is anything lost, doubled, given to two, counted wrong? From API and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree import ElementTree

from sqlalchemy import create_engine

_MOST_SHOWN = 5

# Each gives the rows that must not exist.
_FORBIDDEN_ROWS = {
    "a HIT holds more assignments than its MaxAssignments": """
        SELECT h.hit_id FROM market_hit h JOIN market_assignment a ON a.hit_id = h.id
        WHERE a.state NOT IN ('Returned', 'Abandoned') GROUP BY h.hit_id, h.max_assignments
        HAVING COUNT(*) > h.max_assignments""",
    "a worker holds a HIT twice": """
        SELECT hit_id, worker_id FROM market_assignment WHERE state NOT IN ('Returned', 'Abandoned')
        GROUP BY hit_id, worker_id HAVING COUNT(*) > 1""",
    "an assignment id is two workers'": """
        SELECT assignment_id FROM market_assignment WHERE state NOT IN ('Returned', 'Abandoned')
        GROUP BY assignment_id HAVING COUNT(DISTINCT worker_id) > 1""",
    "a HIT's counters differ from its rows": """
        SELECT h.hit_id FROM market_hit h LEFT JOIN market_assignment a ON a.hit_id = h.id
        GROUP BY h.hit_id, h.n_pending, h.n_submitted, h.n_approved, h.n_rejected
        HAVING h.n_pending <> COALESCE(SUM(CASE WHEN a.state = 'Accepted' THEN 1 END), 0)
            OR h.n_submitted <> COALESCE(SUM(CASE WHEN a.state = 'Submitted' THEN 1 END), 0)
            OR h.n_approved <> COALESCE(SUM(CASE WHEN a.state = 'Approved' THEN 1 END), 0)
            OR h.n_rejected <> COALESCE(SUM(CASE WHEN a.state = 'Rejected' THEN 1 END), 0)""",
    "an account holds other money than its HITs need": """
        SELECT r.access_key FROM market_requester r LEFT JOIN market_hit h
            ON h.requester_id = r.id
        GROUP BY r.access_key, r.held_cents
        HAVING r.held_cents <>
            COALESCE(SUM(h.n_held * (h.unit_reward_cents + h.unit_fee_cents)), 0)""",
    "an account's balance differs from its entries": """
        SELECT r.access_key FROM market_requester r LEFT JOIN market_entry e
            ON e.account = 'requester:' || r.id || ':available'
        GROUP BY r.access_key, r.available_cents
        HAVING r.available_cents <> COALESCE(SUM(e.amount_cents), 0)""",
}  # fmt: skip


def faults_in_rows(database_url: str, n_expected: int) -> list[str]:
    """What the tables hold that may not be."""
    engine = create_engine(database_url)
    faults = []
    with engine.connect() as connection:
        for fault, query in _FORBIDDEN_ROWS.items():
            rows = [tuple(row) for row in connection.exec_driver_sql(query)]
            if rows:
                faults.append(f"{fault}: {len(rows)}, such as {rows[:_MOST_SHOWN]}")
        done = "SELECT COUNT(*) FROM market_assignment WHERE state = 'Submitted'"
        n_rows = connection.exec_driver_sql(done).scalar()
        if n_rows != n_expected:
            faults.append(f"expected {n_expected} submitted rows, found {n_rows}")
    engine.dispose()
    return faults


def faults_in_answers(
    clients: list[Any], hit_ids: list[list[str]], per_hit: int,
    submitted: Mapping[str, tuple[str, str]],
) -> list[str]:  # fmt: skip
    """What boto3 is told that differs from what the robots sent; each client asks for its HITs."""
    with ThreadPoolExecutor(len(clients)) as pool:
        told = list(pool.map(lambda pair: list(_rows(*pair)), zip(clients, hit_ids, strict=True)))
    rows = [row for part in told for row in part]
    faults = [
        f"assignment {one} is listed {n} times"
        for one, n in Counter(row["AssignmentId"] for row in rows).items()
        if n > 1
    ]
    seen = {row["AssignmentId"]: (row["WorkerId"], _word(row["Answer"])) for row in rows}
    faults += [f"{one} was taken and is lost" for one in submitted.keys() - seen.keys()]
    faults += [f"{one} came from nowhere" for one in seen.keys() - submitted.keys()]
    faults += [
        f"{one} is {seen[one]}, was sent as {sent}"
        for one, sent in submitted.items()
        if one in seen and seen[one] != sent
    ]
    per_id = Counter(row["HITId"] for row in rows)
    wrong = [hit_id for part in hit_ids for hit_id in part if per_id[hit_id] != per_hit]
    faults += [f"HIT {hit_id} has {per_id[hit_id]} of {per_hit} answers" for hit_id in wrong]
    return faults[:_MOST_SHOWN]


def _rows(client: Any, hit_ids: list[str]) -> Iterator[dict[str, Any]]:
    for hit_id in hit_ids:
        pages = client.get_paginator("list_assignments_for_hit").paginate(
            HITId=hit_id, PaginationConfig={"PageSize": 100}
        )
        for page in pages:
            yield from page["Assignments"]


def _word(answer: str) -> str:
    root = ElementTree.fromstring(answer)  # noqa: S314 - written by the server under test
    return "".join(root.itertext()).replace("word", "", 1).strip()
