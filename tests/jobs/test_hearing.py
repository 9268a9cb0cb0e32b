"""News from a queue makes collecting sooner, and nothing that comes through it does more."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from jobs.errors import InvalidInput
from jobs.hits import hearing
from jobs.providers._turk_notifications import EventQueue, hit_ids
from jobs.tables import Assignment, Hit, RawSubmission, Work
from tests.jobs.lifecycle import Bench, Dial, open_bench
from webapp.marketplace.delivery import deliver
from webapp.marketplace.faults import Fault
from webapp.marketplace.serving import serve


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def queue(amazon, request):
    client = boto3.session.Session().client(
        "sqs", endpoint_url=amazon, region_name="us-east-1",
        aws_access_key_id="local", aws_secret_access_key="local",
    )  # fmt: skip
    url = client.create_queue(QueueName=f"news-{abs(hash(request.node.nodeid))}")["QueueUrl"]
    yield client, url
    client.close()


@pytest.fixture
def bench(tmp_path, sessions, queue) -> Iterator[Bench]:
    dial = Dial()
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}", clock=dial) as market:
        yield open_bench(tmp_path, sessions, market, dial, notification_queue_url=queue[1])


def hear(bench):
    return hearing.hear(bench.resources, lambda _done, _total: None)


def news_of(provider_hit_id, n=1):
    event = {"EventType": "AssignmentSubmitted", "HITId": provider_hit_id, "HITTypeId": "3TYPE"}
    return json.dumps({"Events": [event] * n, "EventDocId": "a" * 40, "CustomerId": "A1"})


def posted(bench, **settings):
    """A launched job of one HIT that was polled just now; the HIT."""
    bench.launch(n_items=1, redundancy=1, **settings)
    bench.drain()
    (hit,) = bench.ours(Hit)
    return hit


def test_an_answer_is_collected_at_the_news_of_it_and_not_at_the_next_poll(bench):
    posted(bench)
    bench.submit_raw("ben", "nonsense")
    bench.drain()
    assert bench.count(RawSubmission) == 0
    deliver(bench.market.market)
    bench.dial.turn(seconds=16)
    bench.drain()
    assert bench.count(RawSubmission) == 1


@pytest.mark.parametrize(("effect", "n_heard"), [("lose_notice", 0), ("double_notice", 2)])
def test_news_that_are_lost_or_doubled_change_nothing_in_the_end(bench, effect, n_heard):
    posted(bench)
    bench.market.market.faults.replace([Fault("AssignmentSubmitted", effect, 1, 99)])
    bench.submit_raw("ben", "nonsense")
    bench.market.market.faults.replace(
        [Fault(event, effect, 1, 99) for event in ("AssignmentSubmitted", "HITReviewable")]
    )
    deliver(bench.market.market)
    report = hear(bench)
    assert (report.n_messages > 0, report.n_batches) == (n_heard > 0, min(n_heard, 1))
    bench.settle_down(2)
    assert bench.count(RawSubmission) == bench.count(Assignment) == 1


def test_a_forged_message_is_worth_one_look_at_most(bench, queue):
    client, url = queue
    hit = posted(bench)
    for _ in range(25):
        client.send_message(QueueUrl=url, MessageBody=news_of(hit.provider_hit_id))
    client.send_message(QueueUrl=url, MessageBody=news_of("3NOTOURS"))
    report = hear(bench)
    assert (report.n_messages, report.n_ignored, report.n_batches) == (26, 1, 1)
    before = len(bench.market.market.faults.calls())
    bench.drain()
    made = [one["operation"] for one in bench.market.market.faults.calls()[before:]]
    assert made == ["GetHIT", "ListAssignmentsForHIT"]
    assert hear(bench).n_messages == 0
    assert bench.count(RawSubmission) == 0


@pytest.mark.parametrize(
    "body",
    [
        "x",
        "null",
        "[]",
        '"Events"',
        "[" * 50_000,
        '{"Events": null}',
        '{"Events": [null, 1, [], {}]}',
        '{"Events": [{"HITId": null}, {"HITId": ["3A"]}, {"HITId": "a b"}, {"HITId": ""}]}',
        '{"Events": [{"HITId": "3A", "HITId": "3B"}]}',
        '{"Type": "SubscriptionConfirmation", "SubscribeURL": "http://127.0.0.1:9/", "Events": []}',
        '{"Type": "Notification", "Message": {"Events": [{"HITId": "3A"}]}}',
        '{"Type": "Notification", "Message": "no json"}',
        '{"Events": [{"HITId": "' + "3" * 65 + '"}]}',
        '{"Events": [{"HITId": "3A", "x": ' + "1" * 300_000 + "}]}",
    ],
    ids=lambda body: body[:30],
)
def test_a_malformed_message_is_dropped_and_harms_nobody(bench, queue, body):
    client, url = queue
    hit = posted(bench)
    if len(body) < 200_000:
        client.send_message(QueueUrl=url, MessageBody=body)
    client.send_message(QueueUrl=url, MessageBody=news_of(hit.provider_hit_id))
    report = hear(bench)
    assert (hit_ids(body), report.n_batches) == (frozenset(), 1)
    assert hear(bench).n_messages == 0


def test_the_envelope_of_a_topic_is_opened():
    inner = news_of("3HIT")
    assert hit_ids(json.dumps({"Type": "Notification", "Message": inner})) == {"3HIT"}
    assert hit_ids(news_of("3HIT", n=3)) == {"3HIT"}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_names_hits_or_none(body):
    hit_ids(body)


def test_a_queue_that_does_not_answer_is_tried_again_and_polling_goes_on(bench):
    settings = bench.resources.settings.model_copy(
        update={"notification_queue_url": "http://127.0.0.1:9/1/gone"}
    )
    object.__setattr__(bench.resources, "settings", settings)
    posted(bench)
    bench.submit_raw("ben", "nonsense")
    bench.settle_down(2)
    (row,) = bench.ours(Work, task_name="hear_news")
    assert (row.state, row.failures > 0) == ("ready", True)
    assert bench.count(RawSubmission) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/1/q",
        "http://sqs.us-east-1.amazonaws.com/1/q",
        "https://sqs.us-east-1.amazonaws.com.evil.example/1/q",
        "ftp://sqs.us-east-1.amazonaws.com/1/q",
        "https://[::1",
        "q",
    ],
)
def test_our_signature_goes_to_amazon_or_this_machine_only(url):
    with pytest.raises(InvalidInput, match="notification_queue_url"):
        EventQueue(url)


def test_a_queue_here_is_not_for_amazon_nor_one_of_amazons_for_a_rehearsal(bench):
    posted(bench)
    people = bench.resources.venues("mturk", "local", {}).people
    assert not people.subscribe("3TYPE", "https://sqs.us-east-1.amazonaws.com/1/q")
    assert not bench.resources.venues("mturk", "sandbox", {}).people.subscribe(
        "3TYPE", "http://127.0.0.1:9/1/q"
    )
