"""What may change of a job that is under way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput
from jobs.planning import amending
from jobs.planning.amending import Terms
from jobs.tables import Consensus, StaleQuestion
from tests.jobs.lifecycle import Bench


def _terms(bench: Bench, job_id: int) -> Terms:
    with reading(bench.sessions) as session:
        return amending.terms_of(session, job_id)


def _amend(bench: Bench, job_id: int, **changes: object) -> bool:
    wanted = replace(_terms(bench, job_id), **changes)  # type: ignore[arg-type]
    with transaction(bench.sessions) as session:
        return amending.amend(session, job_id, wanted, bench.dial())


def _answered(bench: Bench) -> int:
    """A job whose two questions got two answers each: one in agreement, one not."""
    job_id = bench.launch(n_items=2, redundancy=2, more="")
    bench.drain()
    bench.answer_as("ada")
    bench.answer_as("bob", "blue")
    bench.dial.turn(seconds=400)
    bench.drain()
    return job_id


def test_a_name_and_the_policies_change_once_and_a_repeat_does_nothing(bench: Bench) -> None:
    job_id = bench.launch()
    assert _amend(bench, job_id, name="cats", max_extra_answers=3, review="screen")
    assert _amend(bench, job_id, second_look="sampled", share=0.2, disputes="manager")
    assert _terms(bench, job_id) == Terms("cats", 0.5, 3, "screen", "sampled", 0.2, "manager")
    assert not _amend(bench, job_id)


def test_a_new_threshold_is_applied_to_every_answer_there_is(bench: Bench) -> None:
    job_id = _answered(bench)
    before = {row.state for row in bench.ours(Consensus)}
    sure_at = 1.0 if before == {"sure"} else 0.0
    with reading(bench.sessions) as session:
        wanted = replace(amending.terms_of(session, job_id), sure_at=sure_at)
        seen = amending.preview(session, job_id, wanted)
    assert seen.changes == (("sure_at", "0.5", str(sure_at)),)
    assert (seen.n_sure or 0) + (seen.n_unsure or 0) == len(bench.ours(Consensus))
    assert _amend(bench, job_id, sure_at=sure_at)
    assert bench.count(StaleQuestion, item_id=0) == 2
    bench.drain()
    assert {row.state for row in bench.ours(Consensus)} != before
    assert bench.count(StaleQuestion) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""}, {"name": " x"}, {"name": "a\nb"}, {"name": "x" * 201},
        {"sure_at": 1.5}, {"max_extra_answers": 21}, {"review": "shout"},
        {"second_look": "twice"}, {"share": 2.0}, {"disputes": "nobody"},
    ],
)  # fmt: skip
def test_terms_out_of_range_are_refused_in_words(bench: Bench, changes: dict[str, object]) -> None:
    job_id = bench.launch()
    before = _terms(bench, job_id)
    with pytest.raises(InvalidInput):
        _amend(bench, job_id, **changes)
    assert _terms(bench, job_id) == before


def test_a_name_that_another_job_has_is_refused(bench: Bench) -> None:
    job_id = bench.launch()
    bench.create(name="dogs")
    with pytest.raises(InvalidInput, match="another job is called 'dogs'"):
        _amend(bench, job_id, name="dogs")


def test_a_draft_is_not_amended_but_planned_anew(bench: Bench) -> None:
    with pytest.raises(Conflict, match="is draft"):
        _amend(bench, bench.create(), name="cats")
