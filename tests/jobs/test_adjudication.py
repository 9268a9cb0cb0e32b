"""People decide, set aside, ask, take back: once each, kept for ever, counted when they should."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from jobs.adjudication import deciding
from jobs.combining.consensus import combine_job
from jobs.combining.labels import finish_job
from jobs.db import open_engine
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.installation import migrating
from jobs.reports import item_view
from jobs.reports.conflicts import n_conflicts
from jobs.reports.decisions import decision_list, last_act, set_aside_reasons, set_asides, waits
from jobs.tables import Decision, Label, SecondLook
from tests.factories import (
    NOW,
    box,
    make_gold,
)
from tests.jobs.adjudicating import (
    ANA,
    BEN,
    BLUE,
    EVE,
    GREEN,
    LATER,
    MIA,
    RED,
    TWO,
    a_conflict,
    ask,
    counted,
    decide,
    state_of,
    undo,
)


@pytest.fixture
def session(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'one.sqlite'}")
    migrating.upgrade(engine, NOW)
    with Session(engine, expire_on_commit=False) as opened, opened.begin():
        yield opened
        opened.rollback()
    engine.dispose()


def test_a_question_set_aside_has_no_label_ends_the_job_and_is_counted(session):
    job, (item,) = a_conflict(session)
    label = decide(session, job, item, None, 0, reason="instructions-unclear", note="Which side?")
    assert (label.version, label.origin, label.value) == (1, "set_aside", {})
    assert (state_of(session, job, item), job.state) == ("set_aside", "finished")
    assert counted(session, job) == []
    assert set_aside_reasons(session, job.id) == {"instructions-unclear": 1}
    (row,) = set_asides(session, job.id)
    assert (row.item, row.reason, row.note) == (item.name, "instructions-unclear", "Which side?")
    assert set_asides(session, job.id, reason="private") == ()
    decide(session, job, item, RED, 1, by=BEN)
    assert counted(session, job) == [RED]
    assert set_aside_reasons(session, job.id) == {}


@pytest.mark.parametrize(
    ("value", "reason", "note"),
    [
        (RED, "instructions-unclear", ""),
        (None, "agreed", ""),
        (RED, "because", ""),
        (None, "other", " "),
        (None, "ambiguous", "x" * 501),
        (RED, "agreed", "bell \x07"),
        (RED, "", ""),
    ],
)
def test_a_reason_that_does_not_fit_is_refused_and_nothing_is_written(session, value, reason, note):
    job, (item,) = a_conflict(session)
    with pytest.raises(InvalidInput, match=r"reason|note"):
        decide(session, job, item, value, 0, reason=reason, note=note)
    assert session.scalar(select(func.count(Label.id))) == 0
    assert session.scalar(select(func.count(Decision.id))) == 0
    assert state_of(session, job, item) == "conflict"


def test_a_decision_taken_back_leaves_the_question_as_it_was(session):
    job, (item,) = a_conflict(session)
    make_gold(session, item, "tags", RED)
    decide(session, job, item, RED, 0)
    assert (job.state, n_conflicts(session, job.id)) == ("finished", 0)
    undo(session, job, item, 1)
    assert (state_of(session, job, item), job.state) == ("conflict", "running")
    assert counted(session, job) == []
    decide(session, job, item, BLUE, 2, by=BEN)
    undo(session, job, item, 3, by=MIA)
    with pytest.raises(Conflict, match="no decision to take back"):
        undo(session, job, item, 4, by=MIA)
    acts = [(row.version, row.act, row.actor) for row in decision_list(session, job.id, item.id)]
    assert acts == [
        (4, "undo", "mia"),
        (3, "label", "ben"),
        (2, "undo", "ana"),
        (1, "label", "ana"),
    ]
    combine_job(session, job.id, LATER)
    assert state_of(session, job, item) == "conflict"


def test_undo_goes_back_step_by_step_to_the_label_of_the_answers(session):
    job, (item,) = a_conflict(session, values=(RED, RED))
    finish_job(session, job.id, NOW)
    decide(session, job, item, BLUE, 1)
    decide(session, job, item, GREEN, 2)
    assert counted(session, job) == [GREEN]
    undo(session, job, item, 3)
    assert counted(session, job) == [BLUE]
    label = undo(session, job, item, 4)
    assert (counted(session, job), label.origin, state_of(session, job, item)) == (
        [RED], "consensus", "sure",
    )  # fmt: skip
    assert finish_job(session, job.id, LATER) == 0


def test_only_who_acted_or_a_manager_takes_it_back_and_only_once(session):
    job, (item,) = a_conflict(session)
    decide(session, job, item, RED, 0)
    with pytest.raises(Conflict, match="only they or a manager"):
        undo(session, job, item, 1, by=BEN)
    assert last_act(session, "ana").version == 1
    undo(session, job, item, 1)
    with pytest.raises(Conflict, match="expected label version 1"):
        undo(session, job, item, 1)
    assert last_act(session, "ana") is None


def test_who_asks_for_a_second_look_leaves_it_to_another(session):
    job, (item,) = a_conflict(session)
    label = ask(session, job, item, 0, value=BLUE)
    assert (label.origin, label.value, state_of(session, job, item)) == (
        "asked",
        BLUE,
        "second_look",
    )
    assert (counted(session, job), job.state, n_conflicts(session, job.id)) == ([], "running", 1)
    seen = waits(session, job.id, item.id, "tags")
    assert (seen.asked_by, seen.first_by, seen.note) == ("ana", "", "The left one?")
    for act in (decide, ask):
        with pytest.raises(Conflict, match="another person must decide"):
            act(session, job, item, 1, by=ANA) if act is ask else act(session, job, item, RED, 1)
    made = decide(session, job, item, RED, 1, by=BEN)
    assert made.provenance["second_look"] == "asked"
    assert (counted(session, job), job.state) == ([RED], "finished")
    assert session.scalar(select(func.count()).select_from(SecondLook)) == 0


def test_a_request_without_words_is_refused(session):
    job, (item,) = a_conflict(session)
    with pytest.raises(InvalidInput, match="note"):
        ask(session, job, item, 0, note="  ")
    with pytest.raises(InvalidInput):
        ask(session, job, item, 0, value={"tags": {"colour": "mauve"}})
    assert session.scalar(select(func.count(Label.id))) == 0


def test_where_two_must_agree_the_label_counts_only_then(session):
    job, (item,) = a_conflict(session, TWO)
    first = decide(session, job, item, RED, 0)
    assert first.provenance["n_people"] == 1
    assert (counted(session, job), state_of(session, job, item)) == ([], "second_look")
    with pytest.raises(Conflict, match="have decided it"):
        decide(session, job, item, RED, 1)
    label = decide(session, job, item, RED, 1, by=BEN)
    assert (label.provenance["n_people"], label.provenance["second_look"]) == (2, "agreed")
    assert (counted(session, job), job.state) == ([RED], "finished")


def test_where_two_disagree_a_third_decides(session):
    job, (item,) = a_conflict(session, TWO)
    decide(session, job, item, RED, 0)
    decide(session, job, item, BLUE, 1, by=BEN)
    assert (counted(session, job), state_of(session, job, item)) == ([], "disputed")
    seen = waits(session, job.id, item.id, "tags")
    assert (seen.first_by, seen.second_by) == ("ana", "ben")
    for person in (ANA, BEN):
        with pytest.raises(Conflict, match="another person"):
            decide(session, job, item, RED, 2, by=person)
    label = decide(session, job, item, BLUE, 2, by=EVE)
    assert label.provenance["second_look"] == "third"
    assert counted(session, job) == [BLUE]


def test_one_who_disagreed_may_think_again(session):
    job, (item,) = a_conflict(session, TWO)
    decide(session, job, item, RED, 0)
    decide(session, job, item, BLUE, 1, by=BEN)
    undo(session, job, item, 2, by=BEN)
    assert state_of(session, job, item) == "second_look"
    assert waits(session, job.id, item.id, "tags").second_by == ""
    decide(session, job, item, RED, 3, by=BEN)
    assert counted(session, job) == [RED]


def test_bringing_back_a_version_needs_two_people_as_well(session):
    job, (item,) = a_conflict(session, TWO)
    decide(session, job, item, RED, 0)
    decide(session, job, item, RED, 1, by=BEN)
    decide(session, job, item, BLUE, 2)
    decide(session, job, item, BLUE, 3, by=BEN)
    label = deciding.revert(session, job.id, item.id, "tags", 1, by=ANA, now=LATER)
    assert (label.origin, label.value, label.provenance["reverted_to"]) == ("reverted", RED, 1)
    assert (counted(session, job), job.state) == ([], "running")
    with pytest.raises(NotFound):
        deciding.revert(session, job.id, item.id, "tags", 77, by=BEN, now=LATER)


def test_later_answers_do_not_take_a_question_from_people(session):
    job, (item,) = a_conflict(session, TWO, n_items=1)
    decide(session, job, item, RED, 0)
    job.seed += 1
    session.execute(text("UPDATE consensus SET confidence = 0.01"))
    session.expire_all()
    combine_job(session, job.id, LATER)
    finish_job(session, job.id, LATER)
    assert state_of(session, job, item) == "second_look"
    assert counted(session, job) == []


def test_a_label_says_what_its_boxes_were_made_from(session):
    drawn = [{"boxes": [box(10, 10, 60, 60)]}, {"boxes": [box(40, 40, 90, 90)]}]
    job, (item,) = a_conflict(session, kind="boxes", values=drawn)
    ids = [answer.answer_id for answer in item_view(session, job.id, item.id).answers]
    value = {"boxes": [box(25, 25, 75, 75), box(1, 1, 9, 9)]}
    sources = [{"how": "merged", "answers": ids}, {"how": "drawn", "answers": []}]
    label = decide(session, job, item, value, 0, kind="boxes", sources=sources)
    assert label.provenance["boxes"] == sources
    assert [voter["answer"] for voter in label.provenance["voters"]] == ids
    with pytest.raises(InvalidInput, match="answers to this question"):
        strange = [{"how": "taken", "answers": [999]}] * 2
        decide(session, job, item, value, 1, kind="boxes", sources=strange)


def test_decisions_are_evidence(session):
    job, (item,) = a_conflict(session)
    decide(session, job, item, RED, 0)
    session.flush()
    with pytest.raises(Exception, match="insert-only"):
        session.execute(text("DELETE FROM decision"))
