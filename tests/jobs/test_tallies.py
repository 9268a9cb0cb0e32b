"""Counts that pages show are what their rows say, whatever happens to the rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import MetaData, delete, insert, select, text, update

from jobs.adjudication import deciding
from jobs.adjudication.rounds import Decider
from jobs.combining import tallies
from jobs.combining.comparing import match_boxes, match_tags
from jobs.combining.consensus import combine_job
from jobs.combining.current_labels import is_current
from jobs.db import open_engine, open_sessions, reading, transaction
from jobs.installation import migrating
from jobs.migrations.counting import COUNTS
from jobs.reports import batches, job_report
from jobs.reports.accuracy import accuracy_against_gold
from jobs.reviewing.review import review_job
from jobs.tables import (
    Assignment,
    Consensus,
    Facet,
    GoldAnswer,
    GoldResult,
    Item,
    Job,
    Label,
    Tally,
    Task,
)
from tests.factories import (
    NOW,
    box,
    make_answer,
    make_dataset,
    make_gold,
    make_hits,
    make_job,
    make_route,
    make_worker,
)

RED = {"tags": {"colour": "red"}}
BLUE = {"tags": {"colour": "blue"}}


def drift(sessions) -> list[str]:
    with reading(sessions) as session:
        return tallies.differences(session) + gold_drift(session)


def gold_drift(session) -> list[str]:
    """Results kept that are not what a comparison of today says."""
    found = []
    for job_id in session.scalars(select(Job.id)):
        rows = session.execute(
            select(Label, GoldAnswer)
            .join(
                GoldAnswer,
                (GoldAnswer.item_id == Label.item_id) & (GoldAnswer.kind == Label.kind),
            )
            .where(Label.job_id == job_id, is_current())
        )
        truth = {
            (label.item_id, label.kind, name): (one.n_right, one.n_labels, one.n_gold)
            for label, gold in rows
            for name, one in (match_boxes if gold.kind == "boxes" else match_tags)(
                label.value, gold.value
            ).items()
        }
        kept = {
            (row.item_id, row.kind, row.name): (row.n_right, row.n_labels, row.n_gold)
            for row in session.scalars(select(GoldResult).where(GoldResult.job_id == job_id))
            if row.name
        }
        if kept != truth:
            found.append(f"gold of job {job_id}: expected {truth}, got {kept}")
    return found


def test_counts_hold_through_a_whole_job_and_a_decision_taken_back(bench):
    job_id = bench.launch(n_items=3, redundancy=2, name="first")
    assert drift(bench.sessions) == []
    with transaction(bench.sessions) as session:
        for item in session.scalars(select(Item)):
            make_gold(session, item, "tags", RED)
    bench.drain()
    assert drift(bench.sessions) == []
    bench.answer_all(choose=lambda marker: "red" if marker.endswith("1") else "blue")
    bench.settle_down()
    assert drift(bench.sessions) == []
    with transaction(bench.sessions) as session:
        row = session.scalars(select(Consensus).order_by(Consensus.item_id)).first()
        for value, version in ((BLUE, 1), (RED, 2)):
            deciding.decide(
                session, job_id, row.item_id, "tags", deciding.Verdict(value, "agreed"),
                by=Decider("ada"), expected_version=version, now=bench.dial(),
            )  # fmt: skip
    assert drift(bench.sessions) == []
    with transaction(bench.sessions) as session:
        deciding.revert(
            session, job_id, row.item_id, "tags", 2, by=Decider("ada"), now=bench.dial()
        )
    assert drift(bench.sessions) == []
    with reading(bench.sessions) as session:
        report = job_report(session, job_id)
        (share, _) = accuracy_against_gold(session, job_id)
        (batch,) = batches.batch_list(session, job_id)
    assert report.summary.n_labels == report.summary.n_questions == 3
    assert report.consensus_by_state == {"adjudicated": 1, "sure": 2}
    assert share.n == 3
    assert (batch.n_hits, batch.n_closed, batch.n_wanted, batch.n_assignments) == (3, 3, 6, 6)
    assert report.routes[0].spent_micros == report.summary.spent_micros == 6 * 60_000


def test_counts_hold_when_work_is_rejected_unreadable_or_rolled_back(bench):
    job_id = bench.launch(n_items=2, redundancy=2, name="second", more="review: {mode: screen}")
    bench.drain()
    bench.submit_raw("late", "nonsense")
    bench.answer_all(workers=1)
    bench.settle_down(2)
    assert drift(bench.sessions) == []
    with transaction(bench.sessions) as session:
        session.execute(update(Assignment).values(decision="reject", decision_reason="looked at"))
    review_job(bench.resources, job_id, lambda *_: None)
    with transaction(bench.sessions) as session:
        combine_job(session, job_id, bench.dial())
    assert drift(bench.sessions) == []
    with pytest.raises(RuntimeError), transaction(bench.sessions) as session:
        session.execute(update(Consensus).values(state="open", confidence=0.1))
        session.execute(update(Assignment).values(state="Submitted"))
        raise RuntimeError
    assert drift(bench.sessions) == []


def test_counts_hold_when_rows_go(sessions):
    with transaction(sessions) as session:
        items = make_dataset(session, 3)
        job = make_job(session, items)
        hits = make_hits(session, make_route(session, job, kind="boxes"), items)
        drawn = {"boxes": [box(10, 10, 90, 90), box(200, 20, 280, 80, "dog")]}
        for worker in (make_worker(session, "ben"), make_worker(session, "cho")):
            for hit in hits:
                make_answer(session, hit, worker, drawn)
        combine_job(session, job.id, NOW)
    assert drift(sessions) == []
    with transaction(sessions) as session:
        assert len(session.scalars(select(Facet)).all()) == 6
        session.execute(delete(Consensus).where(Consensus.item_id == items[0].id))
    assert drift(sessions) == []
    with reading(sessions) as session:
        assert len(session.scalars(select(Facet)).all()) == 4


def test_folding_changes_no_count_and_leaves_one_row_a_place(sessions):
    with transaction(sessions) as session:
        items = make_dataset(session, 4)
        job = make_job(session, items)
        hits = make_hits(session, make_route(session, job), items)
    ben = None
    for hit in hits:
        with transaction(sessions) as session:
            ben = ben or make_worker(session, "ben")
            make_answer(session, hit, ben, RED)
    for _ in range(2):
        with transaction(sessions) as session:
            tallies.fold(session, job.id)
        assert drift(sessions) == []
    with reading(sessions) as session:
        rows = session.scalars(select(Tally).where(Tally.owner_id == job.id)).all()
        counts = tallies.read(session, [job.id], "answers", "hits")[job.id]
    places = [(row.subject, row.part_id, row.key) for row in rows if row.subject == "answers"]
    assert len(places) == len(set(places)) == 1
    assert (counts.total("answers"), counts.by_key("hits")) == (4, {"closed": 4})


def test_two_transactions_that_count_do_not_wait_for_each_other(postgres_url, sessions):
    if sessions.kw["bind"].dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    with transaction(sessions) as session:
        items = make_dataset(session, 2)
        job = make_job(session, items)
    with transaction(sessions) as one, transaction(sessions) as other:
        for session, kind in ((one, "boxes"), (other, "tags")):
            session.execute(text("SET LOCAL lock_timeout = '2s'"))
            session.add(Task(job_id=job.id, item_id=items[0].id, kind=kind, state="open"))
            session.flush()
    assert drift(sessions) == []


def test_a_database_with_rows_is_counted_when_it_is_upgraded(empty_database_url):
    engine = open_engine(empty_database_url)
    with engine.begin() as connection:
        command.upgrade(migrating._config(connection), "0003")
    old = MetaData()
    old.reflect(engine)
    document = {"boxes": [{"label": "cat"}, {"label": "cat"}, {"label": "dog"}]}
    with engine.begin() as connection:
        for table, row in (
            ("dataset", {"name": "d"}),
            ("schema_version", {"name": "s", "version": 1, "sha256": "", "body": {}}),
            ("item", {"dataset_id": 1, "sha256": "a", "name": "a", "blob_key": "", "width": 1,
                      "media_type": "", "height": 1, "licence": "", "source": "",
                      "attributes": {}}),
            ("job", {"name": "j", "dataset_id": 1, "schema_id": 1, "environment": "local",
                     "state": "running", "seed": 1, "policy": {}, "budget_micros": 0,
                     "held_micros": 0, "spent_micros": 0}),
            ("task", {"job_id": 1, "item_id": 1, "kind": "boxes", "is_gold": False,
                      "state": "open"}),
            ("consensus", {"job_id": 1, "item_id": 1, "kind": "boxes", "state": "sure",
                           "method": "m", "value": document, "confidence": 1.0,
                           "agreement": None, "n_answers": 1, "answers_sha256": "",
                           "provenance": {}}),
        ):  # fmt: skip
            times = {
                column.name: NOW
                for column in old.tables[table].columns
                if column.name in ("created_at", "combined_at")
            }
            connection.execute(insert(old.tables[table]), {"id": 1, **row, **times})
    migrating.upgrade(engine, NOW + timedelta(days=1))
    sessions = open_sessions(engine)
    assert drift(sessions) == []
    with transaction(sessions) as session:
        session.execute(update(Consensus).values(state="adjudicated"))
        counts = tallies.read(session, [1], "states", "questions")[1]
        names = set(session.scalars(select(Facet.name)))
    assert counts.by_key("states") == {"boxes adjudicated": 1}
    assert counts.total("questions") == 1
    assert names == {"class:cat", "class:dog"}
    engine.dispose()


def test_every_counted_table_has_its_triggers(engine):
    """A later migration that makes a SQLite table anew would drop them without a word."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with engine.connect() as connection:
        found = set(connection.scalars(text(query)))
    wanted = {
        f"count_{table}_{verb}" for table in COUNTS for verb in ("insert", "update", "delete")
    }
    assert wanted <= found
