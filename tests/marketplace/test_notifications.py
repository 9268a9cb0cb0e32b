"""Event notifications: which, where to, in what envelope, and that they may be lost or doubled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import botocore.session
import pytest

from tests.marketplace.bench import Account, Person, admin, advance, code_of, open_account, refused
from webapp.marketplace.delivery import deliver
from webapp.marketplace.serving import Running

EVENTS = [
    "AssignmentAccepted", "AssignmentAbandoned", "AssignmentReturned", "AssignmentSubmitted",
    "AssignmentRejected", "AssignmentApproved", "HITCreated", "HITExpired", "HITReviewable",
    "HITExtended", "HITDisposed",
]  # fmt: skip


class Inbox:
    """What a webhook has received, and what it answers."""

    def __init__(self) -> None:
        self.envelopes: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.url = ""

    def events(self) -> list[str]:
        return [
            event["EventType"]
            for envelope in self.envelopes
            for event in json.loads(envelope["Message"])["Events"]
        ]


@contextmanager
def open_inbox() -> Iterator[Inbox]:
    inbox = Inbox()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inbox.envelopes.append(json.loads(body))
            inbox.headers.append(dict(self.headers))
            self.send_response(inbox.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Door)
    inbox.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as opened:
        yield opened


def wanted(destination: str, events: list[str] = EVENTS, transport: str = "SNS") -> dict[str, Any]:
    return {
        "Destination": destination,
        "Transport": transport,
        "Version": "2014-08-15",
        "EventTypes": events,
    }


def listening_type(account: Account, notification: dict[str, Any], **more: Any) -> str:
    type_id = account.hit_type(**more)
    account.client.update_notification_settings(
        HITTypeId=type_id, Notification=notification, Active=True
    )
    return type_id


def received(running: Running, inbox: Inbox) -> list[str]:
    """Events in the inbox once nothing waits any more, whoever delivered them."""
    for _ in range(200):
        deliver(running.market)
        notices = admin(running, "GET", "/notices").json()["notices"]
        mine = [row for row in notices if row["destination"] == inbox.url]
        if all(row["state"] != "waiting" for row in mine):
            break
    return inbox.events()


def test_each_event_of_a_hit_s_life_is_told(
    running: Running, account: Account, worker: Person, inbox: Inbox
) -> None:
    type_id = listening_type(account, wanted(inbox.url))
    hit = account.hit(type_id)
    worker.post(f"/worker/tasks/{worker.take(hit)}/return")
    worker.take(hit)
    advance(running, seconds=700)
    assignment_id = worker.do(hit)
    account.client.approve_assignment(AssignmentId=assignment_id)
    account.client.delete_hit(HITId=hit["HITId"])
    other = account.hit(type_id)
    account.client.create_additional_assignments_for_hit(
        HITId=other["HITId"], NumberOfAdditionalAssignments=1
    )
    rejected = worker.do(other)
    account.client.reject_assignment(AssignmentId=rejected, RequesterFeedback="no")
    account.client.update_expiration_for_hit(HITId=other["HITId"], ExpireAt=0)
    assert set(received(running, inbox)) == set(EVENTS)


def test_the_envelope_is_that_of_a_topic(running: Running, account: Account, inbox: Inbox) -> None:
    hit = account.hit(listening_type(account, wanted(inbox.url, ["HITCreated"])))
    received(running, inbox)
    (envelope,) = inbox.envelopes
    assert inbox.headers[0]["x-amz-sns-message-type"] == "Notification"
    assert envelope["Type"] == "Notification"
    assert envelope["Subject"].isdigit()
    message = json.loads(envelope["Message"])
    assert message["EventDocVersion"] == "2014-08-15"
    assert len(message["EventDocId"]) == 40
    (event,) = message["Events"]
    assert (event["EventType"], event["HITId"], event["HITTypeId"]) == (
        "HITCreated",
        hit["HITId"],
        hit["HITTypeId"],
    )
    assert "AssignmentId" not in event


def test_only_active_and_chosen_events_are_told(
    running: Running, account: Account, worker: Person, inbox: Inbox
) -> None:
    type_id = listening_type(account, wanted(inbox.url, ["AssignmentSubmitted"]))
    worker.do(account.hit(type_id))
    account.client.update_notification_settings(HITTypeId=type_id, Active=False)
    worker.do(account.hit(type_id))
    assert received(running, inbox) == ["AssignmentSubmitted"]


def test_a_failing_destination_is_tried_again(
    running: Running, account: Account, inbox: Inbox
) -> None:
    inbox.status = 500
    account.hit(listening_type(account, wanted(inbox.url, ["HITCreated"])))
    deliver(running.market)
    inbox.status = 200
    advance(running, seconds=120)
    received(running, inbox)
    events = inbox.events()
    assert len(events) >= 2
    assert set(events) == {"HITCreated"}


def test_notices_can_be_lost_and_doubled(running: Running, account: Account, inbox: Inbox) -> None:
    faults = [
        {"operation": "HITCreated", "effect": "lose_notice"},
        {"operation": "HITCreated", "effect": "double_notice", "first": 2, "last": 2},
    ]
    assert admin(running, "PUT", "/faults", faults).status_code == 200
    type_id = listening_type(account, wanted(inbox.url, ["HITCreated"]))
    first, second = account.hit(type_id), account.hit(type_id)
    received(running, inbox)
    told = [json.loads(row["Message"])["Events"][0]["HITId"] for row in inbox.envelopes]
    assert told == [second["HITId"]] * 2
    assert first["HITId"] not in told


def test_a_test_event_ignores_the_filter(running: Running, account: Account, inbox: Inbox) -> None:
    notification = wanted(inbox.url, ["HITCreated"])
    account.client.send_test_event_notification(Notification=notification, TestEventType="Ping")
    account.client.send_test_event_notification(
        Notification=notification, TestEventType="AssignmentSubmitted"
    )
    assert received(running, inbox) == ["Ping", "AssignmentSubmitted"]


@pytest.mark.parametrize(
    ("destination", "transport"),
    [
        ("not an address", "SNS"),
        ("http://169.254.169.254/latest", "SNS"),
        ("http://10.0.0.1/", "SQS"),
        ("file:///etc/passwd", "SNS"),
        ("http://user:word@127.0.0.1/", "SNS"),
        ("http://127.0.0.1.evil.example/", "SNS"),
        ("nobody", "Email"),
    ],
)
def test_destinations_elsewhere_are_refused(
    account: Account, destination: str, transport: str
) -> None:
    error = refused(
        account.client.send_test_event_notification,
        Notification=wanted(destination, transport=transport),
        TestEventType="Ping",
    )
    assert code_of(error) == "RequestError InvalidTransportEndpoint"


def test_settings_need_something_to_set(account: Account) -> None:
    type_id = account.hit_type()
    call = account.client.update_notification_settings
    assert code_of(refused(call, HITTypeId=type_id)) == "ParameterValidationError"
    assert code_of(refused(call, HITTypeId=type_id, Active=True)) == "ParameterValidationError"
    old = {**wanted("a@b.example", transport="Email"), "Version": "1999-01-01"}
    error = refused(call, HITTypeId=type_id, Notification=old)
    assert code_of(error) == "ParameterValidationError"


def test_letters_are_kept_for_the_operator(running: Running, account: Account) -> None:
    account.client.send_test_event_notification(
        Notification=wanted(f"{account.key}@example.org", transport="Email"), TestEventType="Ping"
    )
    deliver(running.market)
    notices = admin(running, "GET", "/notices").json()["notices"]
    (mine,) = [row for row in notices if row["destination"].startswith(f"{account.key}@")]
    assert mine["state"] in ("kept", "waiting")


@pytest.mark.filterwarnings("ignore")
def test_queues_and_topics_get_the_bare_document(served: Callable[..., Running]) -> None:
    from moto.server import ThreadedMotoServer

    cloud = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    cloud.start()
    try:
        endpoint = "http://{}:{}".format(*cloud.get_host_and_port())
        session = botocore.session.get_session()
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        sqs, sns = (
            session.create_client(name, "us-east-1", endpoint_url=endpoint, **keys)
            for name in ("sqs", "sns")
        )
        queue = sqs.create_queue(QueueName="turk")["QueueUrl"]
        topic = sns.create_topic(Name="turk")["TopicArn"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
        running = served(queue_endpoint_url=endpoint)
        account = open_account(running)
        for destination, transport in ((queue, "SQS"), (topic, "SNS")):
            account.client.send_test_event_notification(
                Notification=wanted(destination, transport=transport), TestEventType="Ping"
            )
        bodies = []
        for _ in range(50):
            deliver(running.market)
            page = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
            bodies += [json.loads(row["Body"]) for row in page.get("Messages", [])]
            if len(bodies) == 2:
                break
        bare = [body for body in bodies if "Events" in body]
        wrapped = [json.loads(body["Message"]) for body in bodies if "Message" in body]
        assert [len(bare), len(wrapped)] == [1, 1]
        assert bare[0]["Events"][0]["EventType"] == "Ping" == wrapped[0]["Events"][0]["EventType"]
    finally:
        cloud.stop()
