"""Whoever takes a second look does not see the first decision before their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.adjudication import deciding
from jobs.adjudication.seeing import decided_for, decisions_for, item_for
from jobs.errors import Conflict
from tests.jobs.adjudicating import (
    ANA,
    BEN,
    BLUE,
    LATER,
    RED,
    TWO,
    a_conflict,
    ask,
    decide,
    undo,
)


def test_nobody_else_sees_the_first_opinion_before_the_second_is_given(session):
    job, (item,) = a_conflict(session, TWO)
    first = decide(session, job, item, RED, 0)
    seen = {who.name: item_for(session, job.id, item.id, who.name) for who in (ANA, BEN)}
    assert [(one.origin, one.value) for one in seen["ana"].labels] == [("adjudication", RED)]
    assert [(one.origin, one.value, one.provenance) for one in seen["ben"].labels] == [
        ("hidden", {}, {})
    ]
    (told,) = decisions_for(session, job.id, item.id, "ben")
    assert (told.act, told.reason, told.note, told.actor) == ("hidden", "", "", "ana")
    assert decisions_for(session, job.id, item.id, "ana")[0].reason == "agreed"
    assert decided_for(session, job.id, first.id, "ana").value == RED
    with pytest.raises(Conflict, match="waits for a second look"):
        deciding.revert(session, job.id, item.id, "tags", 1, by=BEN, now=LATER)
    decide(session, job, item, RED, 1, by=BEN)
    both = item_for(session, job.id, item.id, "eve").labels
    assert [one.value for one in both] == [RED, RED]


def test_an_undo_in_between_does_not_bring_the_first_opinion_to_light(session):
    job, (item,) = a_conflict(session, TWO)
    decide(session, job, item, RED, 0)
    ask(session, job, item, 1, by=BEN, value=BLUE)
    back = undo(session, job, item, 2, by=BEN)
    session.flush()
    assert back.value == RED  # what stood before, which is what ben may not see
    assert decided_for(session, job.id, back.id, "ben").value == {}
    labels = item_for(session, job.id, item.id, "ben").labels
    assert [one.value for one in labels] == [{}, BLUE, {}]


def test_two_who_disagree_are_both_shown(session):
    job, (item,) = a_conflict(session, TWO)
    decide(session, job, item, RED, 0)
    decide(session, job, item, BLUE, 1, by=BEN)
    assert [one.value for one in item_for(session, job.id, item.id, "eve").labels] == [BLUE, RED]


def test_every_door_reads_what_it_shows_where_opinions_are_hidden():
    """A page, call or command that read the reports itself would show the first opinion."""
    root = Path(deciding.__file__).parents[2]
    doors = [*(root / "webapp").rglob("*.py"), *(root / "jobs" / "cli").rglob("*.py")]
    plain = re.compile(r"\b(item_view|decision_list|decided)\(")
    open_doors = {one.stem for one in doors if plain.search(one.read_text(encoding="utf-8"))}
    assert open_doors == {"moving"}  # which reads the number of the newest version, and no more
