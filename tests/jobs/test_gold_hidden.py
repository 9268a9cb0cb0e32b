"""What a worker's browser gets never tells which question is a known one, nor its answer."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from jobs.db import transaction
from jobs.tables import GoldAnswer, Item, Task
from tests.factories import NOW
from webapp.marketplace.store import reading as market_reading
from webapp.marketplace.tables.work import Hit as MarketHit
from webapp.marketplace.tables.work import HitType as MarketHitType

SIDES = {"left": 13.25, "top": 7.75, "right": 31.5, "bottom": 21.625}


@pytest.mark.parametrize("kind", ["boxes", "tags"])
def test_a_known_question_reads_like_any_other(bench, kind):
    job_id = bench.create(n_items=6, kind=kind, slicing="{gold_rate: 0.4}")
    value = (
        {"boxes": [{"label": "cat", **SIDES}]} if kind == "boxes" else {"tags": {"colour": "red"}}
    )
    with transaction(bench.sessions) as session:
        for item in session.scalars(select(Item).where(Item.id <= 3)):
            session.add(GoldAnswer(item_id=item.id, kind=kind, value=value, created_at=NOW))
    bench.launch_draft(job_id)
    bench.settle_down()
    is_gold = {row.is_gold for row in bench.ours(Task)}
    assert is_gold == {True, False}
    with market_reading(bench.market.market.sessions) as session:
        hits = list(session.scalars(select(MarketHit)))
        types = [repr(vars(row)) for row in session.scalars(select(MarketHitType))]
        questions = [hit.question for hit in hits]
        annotations = [hit.annotation for hit in hits]
    assert len(hits) == 6
    for text in (*questions, *annotations, *types):
        assert "gold" not in text.lower()
        assert not re.search(r"13\.25|7\.75|31\.5|21\.625", text)
    pages = {re.sub(r"https?://[^\"'<\s]+|\b\d+\b", "", text) for text in questions}
    assert len(pages) == 1
