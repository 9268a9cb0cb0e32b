"""A database from before imports in the background keeps its imports and takes new ones."""

from __future__ import annotations

import pytest
from sqlalchemy import MetaData, insert
from sqlalchemy.exc import IntegrityError

from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.installation import migrating
from jobs.intake import intakes
from jobs.reports.intakes import intake_report, intakes_of, refusals
from jobs.tables import Intake
from tests.factories import NOW

REFUSED = [{"row": 2, "name": "b.jpg", "reason": "image: damaged or truncated (x)"}]


def test_imports_of_version_8_are_done_and_report_their_refusals(empty_database_url: str) -> None:
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        migrating.create(connection, "0008")
    old = MetaData()
    old.reflect(engine)
    with engine.begin() as connection:
        connection.execute(insert(old.tables["dataset"]), {"name": "d", "created_at": NOW})
        row = {"dataset_id": 1, "source": "in", "n_rows": 2, "n_accepted": 1,
               "n_refused": 1, "refusals": REFUSED, "created_at": NOW}  # fmt: skip
        connection.execute(insert(old.tables["intake"]), row)
    migrating.upgrade(engine, NOW)
    sessions = open_sessions(engine)
    with reading(sessions) as session:
        found = intake_report(session, 1)
        assert (found.state, found.dataset_name, found.n_total) == ("done", "d", 2)
        assert found.finished_at == NOW
        assert [one.fault for one in refusals(session, 1)] == ["damaged"]
        assert [one.id for one in intakes_of(session, 1)] == [1]
    with transaction(sessions) as session:
        assert intakes.begin_upload(session, name="e", actor="ada", now=NOW).id == 2
    with pytest.raises(IntegrityError), transaction(sessions) as session:
        session.get_one(Intake, 1).n_rows = 3
    engine.dispose()
