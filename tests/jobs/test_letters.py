"""A letter reaches each worker at most once, and whom it did not reach is written down."""

from __future__ import annotations

import pytest

from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.tables import Intent, Letter, LetterCopy, Worker
from jobs.workers import letters
from tests.factories import NOW, make_answer, make_dataset, make_hits, make_job, make_route
from webapp.marketplace.faults import Fault
from webapp.marketplace.store import reading as market_reading
from webapp.marketplace.tables.people import WorkerMessage

TEXT = {"subject": "About your boxes", "text": "Please draw them close.\nThank you!"}


@pytest.fixture
def worked(bench):
    """A job whose three workers were paid, so that the venue lets us write to them."""
    job_id = bench.launch(n_items=1, redundancy=3)
    bench.drain()
    bench.answer_all(workers=3)
    bench.settle_down(2)
    return bench, job_id, [worker.id for worker in bench.ours(Worker)]


def warn(bench, job_id, worker_ids, **changes):
    with transaction(bench.sessions) as session:
        return letters.warn(
            session, job_id, worker_ids, actor="ada", now=bench.dial(), **{**TEXT, **changes}
        )


def read(bench, letter_id):
    with reading(bench.sessions) as session:
        return letters.read_letter(session, letter_id)


def sent(bench):
    with market_reading(bench.market.market.sessions) as session:
        return session.query(WorkerMessage).count()


def test_the_same_letter_goes_out_once(worked):
    bench, job_id, ids = worked
    assert warn(bench, job_id, ids) == warn(bench, job_id, [*ids, ids[0]])
    bench.settle_down(2)
    warn(bench, job_id, ids)
    bench.settle_down(2)
    assert sent(bench) == 3
    assert {one.state for one in read(bench, 1).recipients} == {"sent"}
    warn(bench, job_id, ids[:1])
    warn(bench, job_id, ids, key="again")
    bench.settle_down(2)
    assert sent(bench) == 7
    with pytest.raises(Conflict, match="another text"):
        warn(bench, job_id, ids, key="again", text="Other words")


@pytest.mark.parametrize(
    ("effect", "n_sent", "states"),
    [
        ("drop_before", 0, {"unknown"}),
        ("drop_after", 3, {"unknown"}),
        ("fault_after", 3, {"unknown"}),
        ("throttle", 3, {"sent"}),
    ],
)
def test_a_letter_whose_fate_is_unknown_is_never_sent_again(worked, effect, n_sent, states):
    bench, job_id, ids = worked
    bench.market.market.faults.replace([Fault("NotifyWorkers", effect)])
    letter_id = warn(bench, job_id, ids)
    bench.settle_down()
    assert sent(bench) == n_sent
    assert {one.state for one in read(bench, letter_id).recipients} == states


def test_whom_the_venue_cannot_write_to_is_written_down(worked):
    bench, job_id, ids = worked
    with transaction(bench.sessions) as session:
        session.get_one(Worker, ids[1]).provider_worker_id = "ASTRANGER000"
    letter_id = warn(bench, job_id, ids)
    bench.settle_down(2)
    states = {one.provider_worker_id: one for one in read(bench, letter_id).recipients}
    assert sent(bench) == 2
    assert states["ASTRANGER000"].state == "failed"
    assert "HardFailure" in states["ASTRANGER000"].error


def test_a_call_takes_a_hundred_workers_at_most(bench):
    with transaction(bench.sessions) as session:
        items = make_dataset(session, 1)
        job = make_job(session, items)
        (hit,) = make_hits(session, make_route(session, job, provider="mturk"), items)
        for number in range(201):
            one = Worker(
                provider="mturk", provider_worker_id=f"A{number:011d}", name="",
                created_at=NOW,
            )  # fmt: skip
            session.add(one)
            session.flush()
            make_answer(session, hit, one, {"tags": {"colour": "red"}})
        job_id = job.id
    ids = [worker.id for worker in bench.ours(Worker)]
    warn(bench, job_id, ids)
    bench.drain()
    asked = [
        len(row.parameters["workers"]) for row in bench.ours(Intent, operation="NotifyWorkers")
    ]
    assert asked == [100, 100, 1]
    assert bench.count(LetterCopy, state="waiting") == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"subject": ""}, "subject"),
        ({"subject": "a\nb"}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"text": " "}, "text"),
        ({"text": "bell \x07"}, "text"),
        ({"text": "x" * 4097}, "text"),
    ],
)
def test_a_letter_that_cannot_be_sent_is_refused(worked, changes, told):
    bench, job_id, ids = worked
    with pytest.raises(InvalidInput, match=told):
        warn(bench, job_id, ids, **changes)
    with pytest.raises(InvalidInput, match="workers"):
        warn(bench, job_id, [])
    with pytest.raises(NotFound):
        warn(bench, job_id, [999])
    assert bench.ours(Letter) == []
