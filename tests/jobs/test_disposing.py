"""HITs are disposed of once everything is in, decided and paid; a repeat changes nothing."""

from __future__ import annotations

import pytest

from jobs.db import transaction
from jobs.errors import Conflict, NotFound, ProviderError
from jobs.hits import disposing
from jobs.reconciling.reconciling import reconcile
from jobs.tables import Assignment, Finding, Intent
from webapp.marketplace.faults import Fault


def dispose(bench, batch_id=1):
    return disposing.dispose_batch(bench.resources, batch_id, "ada", lambda _done, _all: None)


@pytest.fixture
def done(bench):
    bench.launch(n_items=2, redundancy=1)
    bench.drain()
    bench.answer_all(workers=1)
    bench.settle_down()
    return bench


def test_done_hits_are_gone_at_the_venue_and_stay_in_our_books(done):
    assert dispose(done) == 2
    assert dispose(done) == 0
    assert {status for _, status in done.market_hits()} == {"Disposed"}
    assert done.count(Assignment, state="Approved") == 2
    done.dial.turn(hours=1)
    assert reconcile(done.resources, lambda _done, _all: None).differences == {}
    assert done.count(Finding) == 0
    done.check_books()


@pytest.mark.parametrize("effect", ["drop_before", "drop_after", "fault_after"])
def test_a_lost_reply_is_asked_again(done, effect):
    done.market.market.faults.replace([Fault("DeleteHIT", effect, 1, 1)])
    with pytest.raises(ProviderError):
        dispose(done)
    assert done.ours(Intent, operation="DeleteHIT")[0].state == "unknown"
    assert dispose(done) == 2
    assert {one.state for one in done.ours(Intent, operation="DeleteHIT")} == {"done"}
    assert all(one.request_id for one in done.ours(Intent, operation="DeleteHIT"))


def test_what_is_open_is_not_disposed_of(bench):
    bench.launch(n_items=1)
    bench.drain()
    with pytest.raises(Conflict, match="is open: expected it to be closed"):
        dispose(bench)
    with pytest.raises(NotFound):
        dispose(bench, 99)
    assert {status for _, status in bench.market_hits()} == {"Assignable"}


def test_a_rejection_keeps_its_hit_for_as_long_as_it_can_be_taken_back(done):
    with transaction(done.sessions) as session:
        session.query(Assignment).first().state = "Rejected"
    with pytest.raises(Conflict, match="can be taken back until"):
        dispose(done)
    done.dial.turn(days=31)
    assert dispose(done) == 2
