"""Every filter, and every two together, find what a look at each item finds."""

from __future__ import annotations

from dataclasses import fields
from itertools import combinations

import pytest
from sqlalchemy import select

from jobs.db import transaction
from jobs.reports import ItemFilter, item_filters, item_page
from jobs.tables import Answer, Batch, Consensus, Hit, HitTask, Task
from tests.factories import (
    NOW,
    make_answer,
    make_dataset,
    make_hits,
    make_job,
    make_route,
    make_worker,
)

STATES = ("open", "sure", "conflict", "adjudicated")


@pytest.fixture
def campaign(sessions):
    """Twelve items asked about boxes and tags, by two routes and three workers."""
    with transaction(sessions) as session:
        items = make_dataset(session, 12)
        job = make_job(session, items)
        make_dataset(session, 3, name="others")
        workers = [make_worker(session, name) for name in ("ben", "cho", "eve")]
        boxes, tags = make_route(session, job, kind="boxes"), make_route(session, job, kind="tags")
        for route, asked in ((boxes, items), (tags, items[::2])):
            for number, hit in enumerate(make_hits(session, route, asked)):
                make_answer(session, hit, workers[number % 3], {"boxes": []})
        for number, item in enumerate(items):
            for kind in ("boxes", "tags"):
                if kind == "tags" and number % 2:
                    continue
                session.add(
                    Consensus(
                        job_id=job.id, item_id=item.id, kind=kind, method="m@1",
                        state=STATES[(number + len(kind)) % 4], value=value(kind, number),
                        confidence=(number * 7 % 12) / 12, agreement=(number * 5 % 12) / 12,
                        n_answers=1, answers_sha256="", provenance={}, combined_at=NOW,
                    )
                )  # fmt: skip
        session.flush()
        yield session, job, boxes, tags, workers


def value(kind, number):
    if kind == "boxes":
        return {"boxes": [{"label": ("cat", "dog")[number % 2]}] * (number % 3)}
    return {
        "tags": {"colour": ("red", "blue")[number // 2 % 2], "seen": ["top", "left"][: number % 3]}
    }


def has(row, name):
    if "boxes" in row.value:
        return name in {f"class:{box['label']}" for box in row.value["boxes"]}
    said = row.value["tags"]
    return name == f"colour={said['colour']}" or name in {f"seen={o}" for o in said["seen"]}


def expected(session, job, filters):
    """The items that a look at every row finds."""
    rows = session.scalars(select(Consensus).where(Consensus.job_id == job.id)).all()
    answered = session.execute(
        select(Task.item_id, Answer.worker_id).join(Task, Task.id == Answer.task_id)
    ).all()
    asked = session.execute(
        select(Task.item_id, Batch.route_id).join(HitTask, HitTask.task_id == Task.id)
        .join(Hit, Hit.id == HitTask.hit_id).join(Batch, Batch.id == Hit.batch_id)
    ).all()  # fmt: skip
    found = set()
    for item_id in {row.item_id for row in rows}:
        own = [row for row in rows if row.item_id == item_id]
        fits = any(
            (not filters.kind or row.kind == filters.kind)
            and (not filters.state or row.state == filters.state)
            and (filters.most_confidence is None or row.confidence <= filters.most_confidence)
            and (filters.most_agreement is None or row.agreement <= filters.most_agreement)
            for row in own
        )
        names = [f"class:{filters.class_name}"] * bool(filters.class_name)
        names += [filters.tag] * bool(filters.tag)
        fits &= all(any(has(row, name) for row in own) for name in names)
        if filters.worker_id is not None:
            fits &= (item_id, filters.worker_id) in {tuple(row) for row in answered}
        if filters.route_id is not None:
            fits &= (item_id, filters.route_id) in {tuple(row) for row in asked}
        if fits:
            found.add(item_id)
    return sorted(found)


@pytest.mark.parametrize("few", [item_filters.FEW, 0])
def test_filters_alone_and_in_pairs_find_what_a_look_at_each_item_finds(campaign, monkeypatch, few):
    session, job, boxes, tags, workers = campaign
    monkeypatch.setattr(item_filters, "FEW", few)
    asked = {
        "kind": "tags", "state": "sure", "most_confidence": 0.5, "most_agreement": 0.6,
        "worker_id": workers[1].id, "route_id": tags.id, "class_name": "cat", "tag": "colour=red",
    }  # fmt: skip
    assert asked.keys() == {field.name for field in fields(ItemFilter)}
    chosen = [{name: asked[name]} for name in asked]
    chosen += [{one: asked[one], two: asked[two]} for one, two in combinations(asked, 2)]
    chosen += [{"tag": "seen=left"}, {"route_id": boxes.id, "state": "open"}, asked]
    for given in chosen:
        filters = ItemFilter(**given)
        truth = expected(session, job, filters)
        whole = [row.item_id for row in item_page(session, job.id, filters=filters)]
        assert whole == truth, given
        paged, after = [], 0
        while rows := item_page(session, job.id, after=after, limit=2, filters=filters):
            paged += [row.item_id for row in rows]
            after = rows[-1].item_id
        assert paged == truth, given
