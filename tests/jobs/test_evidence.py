"""Each kind of evidence is seen where it is, and not where it is not; two make a rejection."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.reviewing import review
from jobs.reviewing.review import verdict
from jobs.specs.job_specs import Policy, ReviewPolicy
from jobs.tables import Assignment, WorkerScore
from jobs.workers import evidence, rejecting
from tests.factories import (
    NOW,
    box,
    make_answer,
    make_dataset,
    make_hits,
    make_job,
    make_route,
    make_worker,
)

COLOURS = ("red", "green", "blue")


def drawing(rng):
    left, top = rng.uniform(0, 150, 2)
    return {"boxes": [box(round(left, 1), round(top, 1), left + 40, top + 40)]}


def make_crowd(session, kind, answer, n_items=24):
    """A job whose workers ben, cho and dan answer every item by ``answer(name, number)``."""
    items = make_dataset(session, n_items)
    job = make_job(session, items, policy=Policy(review=ReviewPolicy(mode="screen")))
    hits = make_hits(session, make_route(session, job, kind=kind), items)
    ids = {}
    for name in ("ben", "cho", "dan"):
        worker = make_worker(session, name)
        ids[name] = worker.id
        for number, hit in enumerate(hits):
            value, seconds = answer(name, number)
            make_answer(session, hit, worker, value, seconds=seconds, state="Submitted")
    return job, ids


def kinds_by_name(session, job, ids, kind):
    return {
        name: evidence.kinds(evidence.of_worker(session, job.id, kind, number))
        for name, number in ids.items()
    }


def test_honest_drawings_leave_no_evidence(session):
    rng = np.random.default_rng(1)
    job, ids = make_crowd(session, "boxes", lambda *_: (drawing(rng), rng.uniform(6, 14)))
    assert kinds_by_name(session, job, ids, "boxes") == {"ben": set(), "cho": set(), "dan": set()}


def test_one_drawing_on_every_picture_is_copying(session):
    rng = np.random.default_rng(1)
    same = drawing(rng)
    job, ids = make_crowd(
        session, "boxes", lambda name, _: (same if name == "ben" else drawing(rng), 9.0)
    )
    assert kinds_by_name(session, job, ids, "boxes")["ben"] == {evidence.COPIES}
    assert kinds_by_name(session, job, ids, "boxes")["cho"] == set()


def by_hand(name, number, shaking=3.0):
    """One worker's own drawing of the object of this picture."""
    left, top = np.random.default_rng(number).uniform(20, 150, 2)
    off = np.random.default_rng([number, *name.encode()]).normal(0, shaking, 4)
    sides = np.array([left, top, left + 40, top + 40]) + off
    return {"boxes": [box(*(round(float(side), 1) for side in sides))]}


@pytest.mark.parametrize("moved", [0.0, 0.4], ids=["to the pixel", "moved a little"])
def test_drawings_that_are_another_workers_are_copying(session, moved):
    """The rule of the quality engine: nearer to each other than two hands are."""

    def answer(name, number):
        value = by_hand("ben" if name == "cho" else name, number)
        if name == "cho":
            for side in ("left", "right"):
                value["boxes"][0][side] += moved
        return value, 9.0

    job, ids = make_crowd(session, "boxes", answer)
    copied = {evidence.COPIES}
    seen = kinds_by_name(session, job, ids, "boxes")
    assert seen == {"ben": copied, "cho": copied, "dan": set()}
    (told,) = evidence.of_worker(session, job.id, "boxes", ids["cho"])
    assert told.told == (
        "Of your work, 97 % of 24 boxes are as near to another worker's as no two hands draw."
    )


@pytest.mark.parametrize("shaking", [0.5, 3.0])
def test_careful_drawings_of_one_object_are_no_copies(session, shaking):
    job, ids = make_crowd(
        session, "boxes", lambda name, number: (by_hand(name, number, shaking), 9.0)
    )
    assert not any(kinds_by_name(session, job, ids, "boxes").values())


def test_pictures_called_empty_by_all_are_no_copies(session):
    job, ids = make_crowd(session, "boxes", lambda *_: ({"boxes": []}, 5.0))
    assert not any(kinds_by_name(session, job, ids, "boxes").values())


@pytest.mark.parametrize("kind", ["boxes", "tags"])
def test_impossible_speed_is_seen(session, kind):
    rng = np.random.default_rng(1)

    def answer(name, number):
        value = drawing(rng) if kind == "boxes" else {"tags": {"colour": COLOURS[number % 3]}}
        return value, 0.4 if name == "ben" else rng.uniform(8, 12)

    job, ids = make_crowd(session, kind, answer)
    seen = kinds_by_name(session, job, ids, kind)
    assert (seen["ben"], seen["cho"]) == ({evidence.SPEED}, set())


def test_always_the_same_tag_is_seen_only_where_others_differ(session):
    def answer(name, number):
        return {"tags": {"colour": "red" if name == "ben" else COLOURS[number % 3]}}, 9.0

    job, ids = make_crowd(session, "tags", answer)
    seen = kinds_by_name(session, job, ids, "tags")
    assert (seen["ben"], seen["cho"]) == ({evidence.COPIES}, set())


def test_two_honest_workers_beside_a_spammer_are_no_copiers(session):
    def answer(name, number):
        return {"tags": {"colour": "red" if name == "ben" else COLOURS[number * 7 % 3]}}, 9.0

    job, ids = make_crowd(session, "tags", answer, n_items=60)
    seen = kinds_by_name(session, job, ids, "tags")
    assert (seen["cho"], seen["dan"]) == (set(), set())


def bad_gold(job_id, worker_id, **more):
    return WorkerScore(
        job_id=job_id, worker_id=worker_id, kind="tags", n_answers=24, n_gold=6,
        gold_accuracy=0.1, gold_low=0.0, gold_high=0.4, consensus_accuracy=None,
        consensus_low=None, consensus_high=None, mean_seconds=9.0, details={}, computed_at=NOW,
        **more,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [evidence.AGREEMENT, evidence.SPEED, evidence.COPIES])
def test_wrong_known_pictures_and_one_more_kind_reject(kind):
    policy = ReviewPolicy(mode="screen")
    second = evidence.Evidence(kind, "Something was seen.")
    assert verdict(policy, bad_gold(1, 1)).decision == "approve"
    said = verdict(policy, bad_gold(1, 1), [second])
    assert said.decision == "reject"
    assert "6 known pictures" in said.reason
    assert "Something was seen." in said.reason
    assert "write to us" in said.reason
    assert len(said.reason) <= 1024
    assert verdict(policy, None, [second, second]).decision == "approve"


def test_two_kinds_without_known_pictures_do_not_reject_by_policy():
    seen = [evidence.Evidence(evidence.SPEED, "Fast."), evidence.Evidence(evidence.COPIES, "Same.")]
    assert verdict(ReviewPolicy(mode="screen"), None, seen).decision == "approve"


def test_the_preview_says_who_loses_what_and_what_it_does_to_their_rate(session):
    def answer(name, number):
        return {"tags": {"colour": "red" if name == "ben" else COLOURS[number % 3]}}, 9.0

    _, ids = make_crowd(session, "tags", answer)
    work = {
        name: [row.id for row in session.query(Assignment).filter_by(worker_id=number)]
        for name, number in ids.items()
    }
    session.get_one(Assignment, work["ben"][0]).state = "Approved"
    session.get_one(Assignment, work["ben"][1]).state = "Rejected"
    session.flush()
    seen = rejecting.preview_rejection(session, [*work["ben"][:4], work["cho"][0], work["cho"][0]])
    ben, cho = seen.workers
    assert (ben.provider_worker_id, ben.assignment_ids) == ("ABEN", tuple(work["ben"][2:4]))
    assert (ben.lost_micros, seen.lost_micros, seen.n_assignments) == (100_000, 150_000, 3)
    assert (ben.rate_before, ben.rate_after) == (0.5, 0.25)
    assert (cho.rate_before, cho.rate_after) == (None, 0.0)
    assert evidence.kinds(ben.evidence) == {evidence.COPIES}
    assert seen.decided == tuple(work["ben"][:2])
    assert seen.without_evidence == (work["cho"][0],)
    assert session.query(Assignment).filter(Assignment.decision.is_not(None)).count() == 0


def test_a_person_needs_something_measured_beside_their_look(session):
    def answer(name, number):
        return {"tags": {"colour": "red" if name == "ben" else COLOURS[number % 3]}}, 9.0

    _, ids = make_crowd(session, "tags", answer)
    first = {
        name: session.query(Assignment).filter_by(worker_id=number).first().id
        for name, number in ids.items()
    }
    review.decide(session, first["ben"], "reject", "One colour everywhere", "ada", NOW)
    with pytest.raises(Conflict, match="second kind of evidence"):
        review.decide(session, first["cho"], "reject", "I do not like it", "ada", NOW)
    assert session.get_one(Assignment, first["cho"]).decision is None
    with pytest.raises(InvalidInput, match="told why"):
        review.decide(session, first["cho"], "reject", " ", "ada", NOW)
    with pytest.raises(InvalidInput, match="printable"):
        review.decide(session, first["cho"], "reject", "bell \x07", "ada", NOW)
    review.decide(
        session, first["cho"], "reject", "Agreed by letter", "ada", NOW, without_evidence=True
    )
    assert session.get_one(Assignment, first["cho"]).decision_reason == "Agreed by letter"


def test_previews_refuse_nothing_too_much_and_the_unknown(session):
    with pytest.raises(InvalidInput):
        rejecting.preview_rejection(session, [])
    with pytest.raises(InvalidInput):
        rejecting.preview_rejection(session, range(1, 10_002))
    with pytest.raises(NotFound, match="77"):
        rejecting.preview_rejection(session, [77])


def test_only_a_workers_newest_pictures_are_read(session, monkeypatch):
    """Twelve old drawings are alike, the twelve newest are not."""
    rng = np.random.default_rng(1)
    same = drawing(rng)

    def answer(name, number):
        return (same if name == "ben" and number < 12 else drawing(rng)), 9.0

    job, ids = make_crowd(session, "boxes", answer)
    monkeypatch.setattr(evidence, "SAME_SHARE", 0.4)
    assert kinds_by_name(session, job, ids, "boxes")["ben"] == {evidence.COPIES}
    monkeypatch.setattr(evidence, "N_LAST", 12)
    assert kinds_by_name(session, job, ids, "boxes")["ben"] == set()
