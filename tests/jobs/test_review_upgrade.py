"""A database from before reversals and standing keeps its rows and takes new ones."""

from __future__ import annotations

import pytest
from sqlalchemy import MetaData, insert, text
from sqlalchemy.exc import IntegrityError

from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.installation import migrating
from jobs.tables import Assignment, Exclusion, StandingChange
from tests.factories import NOW

ROWS = (
    ("dataset", {"name": "d"}),
    ("schema_version", {"name": "s", "version": 1, "sha256": "", "body": {}}),
    ("job", {"name": "j", "dataset_id": 1, "schema_id": 1, "environment": "local",
             "state": "running", "seed": 1, "policy": {}, "budget_micros": 0, "held_micros": 0,
             "spent_micros": 0}),
    ("route", {"job_id": 1, "position": 0, "provider": "mturk", "kind": "tags", "attributes": [],
               "redundancy": 1, "reward_micros": 0, "tasks_per_hit": 1, "options": {},
               "provider_hit_type_id": ""}),
    ("batch", {"job_id": 1, "route_id": 1, "name": "b", "state": "closed"}),
    ("hit", {"batch_id": 1, "state": "closed", "marker": "m", "max_assignments": 1,
             "provider_hit_id": "3HIT", "held_micros": 0}),
    ("worker", {"provider": "mturk", "provider_worker_id": "A1", "name": "", "state": "excluded"}),
    ("raw_submission", {"hit_id": 1, "provider": "mturk", "provider_assignment_id": "3A",
                        "provider_worker_id": "A1", "raw": "<a/>", "sha256": "0"}),
    ("assignment", {"raw_submission_id": 1, "hit_id": 1, "worker_id": 1, "state": "Rejected",
                    "parse_state": "parsed", "parse_error": "", "decision": "reject",
                    "decision_reason": "No", "decided_by": "ada", "work_seconds": 1.0,
                    "cost_micros": 0, "fee_micros": 0}),
)  # fmt: skip
TIMES = ("created_at", "accepted_at", "submitted_at", "received_at")


def test_rows_from_version_3_are_kept_and_can_be_reversed_and_readmitted(empty_database_url):
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        migrating.create(connection, "0003")
    old = MetaData()
    old.reflect(engine)
    with engine.begin() as connection:
        for name, row in ROWS:
            times = {one.name: NOW for one in old.tables[name].columns if one.name in TIMES}
            connection.execute(insert(old.tables[name]), {"id": 1, **row, **times})
    migrating.upgrade(engine, NOW)
    sessions = open_sessions(engine)
    with reading(sessions) as session:
        assert session.get_one(Assignment, 1).decision_reason == "No"
        assert session.get(Exclusion, (1, "sandbox")) is not None
    change = {
        "worker_id": 1, "job_id": 1, "environment": "local", "kind": "block", "name": "",
        "number": 1, "value": 1, "state": "done", "reason": "No", "actor": "ada",
        "created_at": NOW,
    }  # fmt: skip
    with transaction(sessions) as session:
        session.add(StandingChange(**change))
    with pytest.raises(IntegrityError), transaction(sessions) as session:
        session.add(StandingChange(**change))
    with engine.connect() as connection, pytest.raises(Exception, match="insert-only"):
        connection.execute(text("UPDATE raw_submission SET raw = 'x'"))
    engine.dispose()
