from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from jobs import work
from jobs.adjudication.deciding import Verdict, revert
from jobs.adjudication.deciding import decide as decided
from jobs.adjudication.rounds import Decider
from jobs.combining.consensus import combine_job
from jobs.combining.labels import finish_job
from jobs.errors import Conflict, InvalidAnswer, NotFound
from jobs.hits.routing import route_onward
from jobs.installation.migrating import upgrade
from jobs.reports import ItemFilter, item_page, item_view, job_list, job_report, worker_page
from jobs.reports.accuracy import accuracy_against_gold
from jobs.reports.labels import label_page
from jobs.specs.job_specs import Policy, QualityPolicy
from jobs.tables import Batch, Consensus, Exclusion, Hit, Label, WorkerScore
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

LATER = NOW + timedelta(hours=1)
ADA = Decider("ada")
RED = {"tags": {"colour": "red"}}
BLUE = {"tags": {"colour": "blue"}}
MAJORITY = Policy(quality=QualityPolicy(tag_method="majority", box_method="iou_clusters"))


@pytest.fixture
def session():
    engine = create_engine("sqlite://")
    upgrade(engine, NOW)
    with Session(engine) as opened, opened.begin():
        yield opened
        opened.rollback()
    engine.dispose()


@pytest.fixture
def cast(session):
    return [make_worker(session, name) for name in ("ben", "cho", "eve")]


def a_job(session, cast, answers, *, policy=None, state="closed", kind="tags"):
    """A job of one item that ``cast`` has answered with ``answers``, combined by majority."""
    items = make_dataset(session, 1)
    job = make_job(session, items, policy=policy or MAJORITY)
    (hit,) = make_hits(session, make_route(session, job, kind=kind), items, state=state)
    for worker, value in zip(cast, answers, strict=False):
        make_answer(session, hit, worker, value)
    return job, items[0], hit


def n_labels(session, job):
    return session.scalar(select(func.count()).where(Label.job_id == job.id))


def test_agreeing_answers_become_a_label_that_says_who_voted(session, cast):
    job, item, _ = a_job(session, cast, [RED, RED, RED])
    combine_job(session, job.id, NOW)
    assert finish_job(session, job.id, NOW) == 1
    label = session.scalars(select(Label)).one()
    assert label.value == RED
    assert [voter["worker"] for voter in label.provenance["voters"]] == [w.id for w in cast]
    assert label.provenance["method"].startswith("majority@")
    assert job.state == "finished"
    assert item_view(session, job.id, item.id).labels[0].value == RED


def test_combining_and_finishing_twice_changes_nothing(session, cast):
    job, _, _ = a_job(session, cast, [RED, RED, RED])
    combine_job(session, job.id, NOW)
    finish_job(session, job.id, NOW)
    again = combine_job(session, job.id, LATER)
    assert again.n_changed == 0
    assert finish_job(session, job.id, LATER) == 0
    assert n_labels(session, job) == 1


def test_a_question_with_open_hits_stays_open(session, cast):
    job, _, _ = a_job(session, cast, [RED, RED], state="posted")
    report = combine_job(session, job.id, NOW)
    assert (report.n_open, report.n_sure) == (1, 0)
    assert finish_job(session, job.id, NOW) == 0
    assert job.state == "running"


def test_rejected_answers_do_not_vote(session, cast):
    items = make_dataset(session, 1)
    job = make_job(session, items)
    (hit,) = make_hits(session, make_route(session, job), items)
    make_answer(session, hit, cast[0], RED)
    make_answer(session, hit, cast[1], BLUE, state="Rejected")
    make_answer(session, hit, cast[2], BLUE, state="Rejected")
    combine_job(session, job.id, NOW)
    row = session.scalars(select(Consensus)).one()
    assert (row.value, row.n_answers) == (RED, 1)


def test_excluded_workers_do_not_vote(session, cast):
    job, _, _ = a_job(session, cast, [RED, BLUE, BLUE])
    for worker in cast[1:]:
        session.add(Exclusion(worker_id=worker.id, environment=job.environment))
    session.flush()
    combine_job(session, job.id, NOW)
    assert session.scalars(select(Consensus)).one().value == RED


def test_an_item_nobody_answered_waits_for_a_person(session):
    job, item, _ = a_job(session, [], [])
    report = combine_job(session, job.id, NOW)
    assert report.n_conflict == 1
    finish_job(session, job.id, NOW)
    assert job.state == "running"
    label = decide(session, job, item, RED, version=0)
    assert (label.version, label.origin, label.confidence) == (1, "adjudication", 1.0)
    assert job.state == "finished"


def test_a_decision_does_not_end_a_job_whose_last_hits_were_not_looked_at(session, cast):
    items = make_dataset(session, 2)
    job = make_job(session, items, policy=MAJORITY)
    route = make_route(session, job)
    (hit,) = make_hits(session, route, items[:1])
    for worker, value in zip(cast, (RED, BLUE), strict=False):
        make_answer(session, hit, worker, value)
    combine_job(session, job.id, NOW)
    make_hits(session, route, items[1:])  # closed without an answer since
    work.enqueue(session, "advance_job", job.id, NOW)
    decide(session, job, items[0], RED, version=0)
    assert job.state == "running"
    combine_job(session, job.id, NOW)
    finish_job(session, job.id, NOW)
    assert job.state == "running"


def test_a_decision_made_while_the_job_is_looked_at_has_it_looked_at_again(session):
    job, item, _ = a_job(session, [], [])
    combine_job(session, job.id, NOW)
    row = work.enqueue(session, "advance_job", job.id, NOW)
    work.claim(session, row.id, "somebody", NOW, 60)
    decide(session, job, item, RED, version=0)
    assert (job.state, row.run_again) == ("running", True)


def test_a_job_is_not_ended_when_its_last_hits_closed_while_it_was_combined(session, cast):
    items = make_dataset(session, 2)
    job = make_job(session, items, policy=MAJORITY)
    route = make_route(session, job)
    (hit,) = make_hits(session, route, items[:1])
    make_answer(session, hit, cast[0], RED)
    row = work.enqueue(session, "advance_job", job.id, NOW)
    claim = work.claim(session, row.id, "somebody", NOW, 60)
    combine_job(session, job.id, NOW)
    make_hits(session, route, items[1:])  # closed since, without an answer
    work.enqueue(session, "advance_job", job.id, NOW)
    finish_job(session, job.id, NOW)
    assert job.state == "running"
    work.finish(session, claim, NOW, again_at=None)
    work.claim(session, row.id, "somebody", NOW, 60)
    combine_job(session, job.id, NOW)
    finish_job(session, job.id, NOW)
    assert job.state == "running"
    decide(session, job, items[1], RED, version=0)
    work.finish(session, replace(claim, attempt=2), NOW, again_at=None)
    work.claim(session, row.id, "somebody", NOW, 60)
    finish_job(session, job.id, NOW)
    assert job.state == "finished"


def decide(session, job, item, value, version, kind="tags"):
    return decided(
        session,
        job.id,
        item.id,
        kind,
        Verdict(value, "agreed"),
        by=ADA,
        expected_version=version,
        now=LATER,
    )


def test_a_label_that_later_answers_throw_into_doubt_does_not_count(session, cast):
    job, item, hit = a_job(session, cast[:1], [RED])
    combine_job(session, job.id, NOW)
    finish_job(session, job.id, NOW)
    assert job_report(session, job.id).summary.n_labels == 1
    make_gold(session, item, "tags", RED)
    for worker in cast[1:]:
        make_answer(
            session, hit, worker, BLUE if worker is cast[1] else {"tags": {"colour": "green"}}
        )
    combine_job(session, job.id, LATER)
    summary = job_report(session, job.id).summary
    assert (summary.n_labels, summary.n_conflicts) == (0, 1)
    assert accuracy_against_gold(session, job.id) == ()
    assert label_page(session, job.id) == ()
    assert n_labels(session, job) == 1  # its history stays


def test_a_persons_label_outlives_a_later_consensus(session, cast):
    job, item, hit = a_job(session, cast[:2], [RED, RED])
    combine_job(session, job.id, NOW)
    finish_job(session, job.id, NOW)
    decide(session, job, item, BLUE, 1)
    make_answer(session, hit, cast[2], RED)
    combine_job(session, job.id, LATER)
    assert finish_job(session, job.id, LATER) == 0
    assert item_view(session, job.id, item.id).labels[0].value == BLUE


def test_a_double_click_decides_once(session, cast):
    job, item, _ = a_job(session, cast, [RED, RED, RED])
    combine_job(session, job.id, NOW)
    finish_job(session, job.id, NOW)
    decide(session, job, item, BLUE, 1)
    with pytest.raises(Conflict, match="version 2 has been written by ada"):
        decide(session, job, item, BLUE, 1)
    assert n_labels(session, job) == 2


def test_a_revert_brings_back_the_old_value_as_a_new_version(session, cast):
    job, item, _ = a_job(session, cast, [RED, RED, RED])
    combine_job(session, job.id, NOW)
    finish_job(session, job.id, NOW)
    decide(session, job, item, BLUE, 1)
    label = revert(session, job.id, item.id, "tags", 1, by=ADA, now=LATER)
    assert (label.version, label.value, label.origin) == (3, RED, "reverted")
    with pytest.raises(NotFound):
        revert(session, job.id, item.id, "tags", 9, by=ADA, now=LATER)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("tags", {"tags": {"colour": "mauve"}}),
        ("tags", {"tags": {"size": "big"}}),
        ("tags", {"tags": []}),
        ("tags", []),
        ("boxes", {"boxes": [box(10, 10, 5, 20)]}),
        ("boxes", {"boxes": [box(10, 10, 50, 50, "cow")]}),
        ("boxes", {"boxes": [{"label": "cat"}]}),
        ("boxes", {"boxes": [{**box(1, 2, 3, 4), "left": "x"}]}),
        ("boxes", {"boxes": ["cat"]}),
    ],
)
def test_a_person_cannot_label_what_was_not_asked(session, cast, kind, value):
    given = {"boxes": []} if kind == "boxes" else RED
    job, item, _ = a_job(session, cast, [given] * 3, kind=kind)
    combine_job(session, job.id, NOW)
    with pytest.raises(InvalidAnswer):
        decide(session, job, item, value, 0, kind)
    assert n_labels(session, job) == 0


def test_unsure_items_go_to_the_route_that_waits_for_them_once(session, cast):
    policy = Policy(quality=QualityPolicy(sure_at=0.99, tag_method="majority"))
    job, _, _ = a_job(session, cast, [RED, BLUE], policy=policy)
    second = make_route(session, job, provider="inhouse", when="unsure")
    combine_job(session, job.id, NOW)
    assert route_onward(session, job.id, NOW) == 1
    assert route_onward(session, job.id, NOW) == 0
    batch = session.scalars(select(Batch).where(Batch.route_id == second.id)).one()
    assert session.scalars(select(Hit).where(Hit.batch_id == batch.id)).one().max_assignments == 3
    assert session.scalars(select(Consensus)).one().state == "open"


def test_one_more_answer_is_bought_up_to_the_ceiling(session, cast):
    policy = Policy(quality=QualityPolicy(sure_at=0.99, tag_method="majority", max_extra_answers=1))
    job, _, _ = a_job(session, cast, [RED, BLUE], policy=policy)
    combine_job(session, job.id, NOW)
    assert route_onward(session, job.id, NOW) == 1
    extra = session.scalars(select(Batch).order_by(Batch.id.desc())).first()
    extra_hit = session.scalars(select(Hit).where(Hit.batch_id == extra.id)).one()
    assert extra_hit.max_assignments == 1
    extra.state = extra_hit.state = "closed"
    session.flush()
    combine_job(session, job.id, NOW)
    assert route_onward(session, job.id, NOW) == 0


def test_a_paused_job_buys_nothing(session, cast):
    policy = Policy(quality=QualityPolicy(sure_at=0.99, max_extra_answers=1))
    job, _, _ = a_job(session, cast, [RED, BLUE], policy=policy)
    combine_job(session, job.id, NOW)
    job.state = "paused"
    assert route_onward(session, job.id, NOW) == 0


def test_reports_count_what_is_there(session, cast):
    job, item, _ = a_job(session, cast, [RED, RED, BLUE])
    make_gold(session, item, "tags", RED)
    combine_job(session, job.id, NOW)
    finish_job(session, job.id, NOW)
    report = job_report(session, job.id)
    assert report.summary == job_list(session)[0]
    assert (report.summary.n_items, report.summary.n_answers) == (1, 3)
    assert report.assignments_by_state == {"Approved": 3}
    assert sum(report.confidence_histogram) == 1
    scores = {row.provider_worker_id: row for row in worker_page(session, job.id).rows}
    assert scores["ABEN"].gold_accuracy > scores["AEVE"].gold_accuracy
    assert session.scalar(select(func.count()).select_from(WorkerScore)) == 3
    with pytest.raises(NotFound):
        job_report(session, 99)
    with pytest.raises(NotFound):
        item_view(session, job.id, 99)


def test_items_are_paged_by_key_and_filtered(session, cast):
    items = make_dataset(session, 5)
    job = make_job(session, items)
    route = make_route(session, job)
    for hit in make_hits(session, route, items[:2]):
        make_answer(session, hit, cast[0], RED)
    combine_job(session, job.id, NOW)
    first = item_page(session, job.id, limit=2)
    second = item_page(session, job.id, after=first[-1].item_id, limit=2)
    assert [row.item_id for row in first + second] == [item.id for item in items[:4]]
    by_worker = item_page(session, job.id, filters=ItemFilter(worker_id=cast[0].id))
    assert [row.item_id for row in by_worker] == [item.id for item in items[:2]]
    assert item_page(session, job.id, filters=ItemFilter(state="open")) == ()


def test_box_labels_are_judged_against_gold_by_class(session, cast):
    items = make_dataset(session, 2)
    job = make_job(session, items)
    for hit, item in zip(
        make_hits(session, make_route(session, job, kind="boxes"), items), items, strict=True
    ):
        for worker in cast:
            make_answer(session, hit, worker, {"boxes": [box(10, 10, 90, 90)]})
        make_gold(session, item, "boxes", {"boxes": [box(10, 10, 90, 90)]})
    combine_job(session, job.id, NOW)
    finish_job(session, job.id, NOW)
    overall, cats = accuracy_against_gold(session, job.id)
    assert (overall.value, overall.n, cats.name) == (1.0, 2, "cat")
    assert overall.mean_iou > 0.9
