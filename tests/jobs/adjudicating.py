"""Questions in conflict, and people who act upon them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from jobs.adjudication import deciding
from jobs.adjudication.deciding import Verdict
from jobs.adjudication.rounds import Decider
from jobs.combining.consensus import combine_job
from jobs.reports.labels import label_page
from jobs.specs.job_specs import AdjudicationPolicy, Policy, QualityPolicy
from jobs.tables import Consensus
from tests.factories import (
    NOW,
    make_answer,
    make_dataset,
    make_hits,
    make_job,
    make_route,
    make_worker,
)

LATER = NOW + timedelta(hours=1)
RED, BLUE, GREEN = ({"tags": {"colour": name}} for name in ("red", "blue", "green"))
ANA, BEN, EVE, MIA = Decider("ana"), Decider("ben"), Decider("eve"), Decider("mia", is_manager=True)
MAJORITY = Policy(quality=QualityPolicy(tag_method="majority", box_method="iou_clusters"))
TWO = MAJORITY.model_copy(update={"adjudication": AdjudicationPolicy(second_look="always")})
SCHEMA = {
    "name": "s",
    "attributes": [{"name": "colour", "kind": "one", "title": "C", "options": ["red", "blue"]}],
}


def a_conflict(session, policy=MAJORITY, n_items=1, kind="tags", values=(RED, BLUE)):
    """A job whose items two workers have answered differently; its items."""
    items = make_dataset(session, n_items)
    job = make_job(session, items, policy=policy)
    cast = [make_worker(session, f"w{number}") for number in range(len(values))]
    for hit in make_hits(session, make_route(session, job, kind=kind), items):
        for worker, value in zip(cast, values, strict=True):
            make_answer(session, hit, worker, value)
    combine_job(session, job.id, NOW)
    return job, items


def decide(session, job, item, value, version, by=ANA, reason="agreed", kind="tags", **more):
    return deciding.decide(
        session, job.id, item.id, kind, Verdict(value, reason, **more), by=by,
        expected_version=version, now=LATER,
    )  # fmt: skip


def undo(session, job, item, version, by=ANA):
    return deciding.undo(
        session, job.id, item.id, "tags", by=by, expected_version=version, now=LATER
    )


def ask(session, job, item, version, by=ANA, note="The left one?", value=None):
    return deciding.ask(
        session, job.id, item.id, "tags", note=note, value=value, by=by,
        expected_version=version, now=LATER,
    )  # fmt: skip


def state_of(session, job, item, kind="tags"):
    session.flush()
    return session.scalar(
        select(Consensus.state).where(
            Consensus.job_id == job.id, Consensus.item_id == item.id, Consensus.kind == kind
        )
    )


def counted(session, job):
    """The values that exports hold."""
    session.flush()
    return [row.value for row in label_page(session, job.id)]
