"""Webhooks on a real receiver: signed, sent until taken, never where they must not go."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select

from jobs import calls, events, findings, hook_addresses, hooks, work
from jobs.blobs import open_blobs
from jobs.db import Sessions, reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.resources import Resources
from jobs.settings import Settings
from jobs.spending import ledger, pausing
from jobs.spending.ledger import Reason
from jobs.tables import Batch, HookDelivery, Work
from tests.factories import NOW, make_dataset, make_job
from tests.jobs.lifecycle import Bench, Dial


@dataclass
class Receiver:
    """A server on loopback that keeps what it is sent and answers ``status``."""

    url: str = ""
    status: int = 204
    location: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((dict(self.headers), body))
            self.send_response(made.status)
            if made.location:
                self.send_header("Location", made.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            made.got.append((dict(self.headers), b"GET"))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    made.url = f"http://127.0.0.1:{server.server_port}/hear?from=us"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def place(tmp_path, sessions: Sessions) -> Resources:
    """An installation whose hooks may go to loopback."""
    settings = Settings(data_dir=tmp_path, hook_private_addresses=True)

    def no_venue(*_: object) -> object:
        raise AssertionError("a webhook reaches no venue")

    return Resources(settings, sessions, open_blobs(settings), no_venue, Dial())


def add(place: Resources, url: str, *names: str) -> hooks.NewHook:
    with transaction(place.sessions) as session:
        return hooks.add_hook(session, url, names, actor="ada", now=NOW, may_be_private=True)


def open_finding(place: Resources, key: str = "k") -> bool:
    with transaction(place.sessions) as session:
        return findings.report(session, key, "A HIT nobody knows", NOW, None)


def rows(place: Resources, hook_id: int) -> tuple[hooks.DeliveryRow, ...]:
    with reading(place.sessions) as session:
        return hooks.deliveries(session, hook_id)


def test_an_event_arrives_signed_and_once(place: Resources, receiver: Receiver) -> None:
    made = add(place, receiver.url)
    assert open_finding(place)
    assert not open_finding(place)
    calls.drain(place)
    calls.drain(place)
    ((headers, body),) = receiver.got
    said = json.loads(body)
    assert said["event"] == headers["HITworks-Event"] == "finding.opened"
    assert said["id"] == headers["HITworks-Event-Id"]
    assert said["data"]["message"] == "A HIT nobody knows"
    stamp, _, signed = headers["HITworks-Signature"].removeprefix("t=").partition(",v1=")
    expected = hmac.new(made.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    assert hmac.compare_digest(signed, expected.hexdigest())
    assert int(stamp) == int(place.clock().timestamp())
    (row,) = rows(place, made.hook.id)
    assert (row.state, row.status, row.attempts) == ("delivered", 204, 1)


def test_a_delivery_run_twice_is_sent_once(place: Resources, receiver: Receiver) -> None:
    made = add(place, receiver.url)
    open_finding(place)
    calls.drain(place)
    (row,) = rows(place, made.hook.id)
    assert hooks.deliver(place, row.id, lambda *_: None) is None
    assert len(receiver.got) == 1


def test_a_receiver_that_fails_is_asked_again_later_under_the_same_id(
    place: Resources, receiver: Receiver
) -> None:
    made = add(place, receiver.url)
    receiver.status = 500
    open_finding(place)
    calls.drain(place)
    assert len(receiver.got) == 1
    (row,) = rows(place, made.hook.id)
    assert (row.state, row.status) == ("waiting", 500)
    receiver.status = 200
    place.clock.turn(seconds=9)
    calls.drain(place)
    assert len(receiver.got) == 1
    place.clock.turn(seconds=2)
    calls.drain(place)
    ids = {headers["HITworks-Event-Id"] for headers, _ in receiver.got}
    assert (len(receiver.got), len(ids)) == (2, 1)
    assert rows(place, made.hook.id)[0].state == "delivered"


def test_after_many_tries_it_waits_for_somebody_to_send_it_again(
    place: Resources, receiver: Receiver
) -> None:
    made = add(place, receiver.url)
    receiver.status = 503
    open_finding(place)
    for _ in range(hooks.MAX_ATTEMPTS + 3):
        calls.drain(place)
        place.clock.turn(hours=7)
    (row,) = rows(place, made.hook.id)
    assert (row.state, row.attempts) == ("failed", hooks.MAX_ATTEMPTS)
    assert len(receiver.got) == hooks.MAX_ATTEMPTS
    receiver.status = 200
    with transaction(place.sessions) as session:
        hooks.send_again(session, made.hook.id, row.id, place.clock())
    with pytest.raises(Conflict), transaction(place.sessions) as session:
        hooks.send_again(session, made.hook.id, row.id, place.clock())
    calls.drain(place)
    assert rows(place, made.hook.id)[0].state == "delivered"


def test_a_redirect_is_not_followed(place: Resources, receiver: Receiver) -> None:
    receiver.status, receiver.location = 302, receiver.url
    made = add(place, receiver.url)
    open_finding(place)
    calls.drain(place)
    assert len(receiver.got) == 1
    assert rows(place, made.hook.id)[0].problem == "answered 302, expected 2xx"


def test_a_reply_that_trickles_on_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook_addresses, "TIMEOUT_SECONDS", 0.2)
    listener = socket.create_server(("127.0.0.1", 0))

    def trickle() -> None:
        taken, _ = listener.accept()
        with taken, contextlib.suppress(OSError):
            taken.sendall(b"HTTP/1.1 ")
            while True:
                taken.sendall(b"x")
                time.sleep(0.05)

    thread = threading.Thread(target=trickle)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with pytest.raises(hook_addresses.Unreachable, match="no answer"):
        hook_addresses.post(url, b"{}", {}, may_be_private=True)
    thread.join()
    listener.close()


def test_loopback_hears_nothing_unless_a_setting_allows_it(
    place: Resources, receiver: Receiver
) -> None:
    made = add(place, receiver.url)
    named = add(place, receiver.url.replace("127.0.0.1", "localhost"))
    strict = replace(place, settings=Settings(data_dir=place.settings.data_dir))
    open_finding(place)
    calls.drain(strict)
    assert not receiver.got
    for hook in (made.hook, named.hook):
        assert rows(place, hook.id)[0].problem.startswith("refused")


def test_a_port_that_listens_and_one_that_does_not_look_alike(
    place: Resources, receiver: Receiver
) -> None:
    """Else whoever may add a hook could learn what runs within, port by port."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/hear?from=us"
        made = [add(place, url) for url in (receiver.url, nobody)]
        open_finding(place)
        calls.drain(replace(place, settings=Settings(data_dir=place.settings.data_dir)))
    told = [rows(place, one.hook.id)[0] for one in made]
    assert told[0].problem == told[1].problem
    assert told[0].problem.startswith("refused")
    assert told[0].status is None
    assert told[1].status is None
    assert not receiver.got


def test_a_name_is_resolved_once_and_connected_to_as_it_was_checked(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    """A resolver of the attacker's says a public address first and loopback the next time."""
    public, within = "93.184.216.34", "127.0.0.1"
    answers = iter(((public,), (within,), (public, within)))
    connected: list[str] = []

    def resolve(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (address, port)) for address in next(answers)]

    def connect(address: tuple[str, int], **_: object) -> socket.socket:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    url = receiver.url.replace("127.0.0.1", "rebinding.example")
    for said in ("no answer", "refused", "refused"):
        with pytest.raises(hook_addresses.Unreachable, match=said):
            hook_addresses.post(url, b"{}", {}, may_be_private=False)
    assert connected == [public]


def test_a_name_within_and_one_that_nobody_knows_look_alike(
    monkeypatch: pytest.MonkeyPatch, place: Resources
) -> None:
    """Else whoever may add a hook could learn which names mean something within."""

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        if host == "payroll.corp.example":
            return [(0, 0, 0, "", ("10.1.2.3", port))]
        raise socket.gaierror("nobody knows it")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    made = [add(place, f"http://{name}.corp.example/") for name in ("payroll", "nothing")]
    open_finding(place)
    calls.drain(replace(place, settings=Settings(data_dir=place.settings.data_dir)))
    within, unknown = (rows(place, one.hook.id)[0] for one in made)
    assert within.problem == unknown.problem == hook_addresses.NOT_PUBLIC
    assert (within.status, within.state, within.attempts) == (
        unknown.status, unknown.state, unknown.attempts
    )  # fmt: skip


def test_an_unknown_host_is_called_so_where_hooks_may_go_within(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(_host: str, _port: int, **_: object) -> list[tuple[object, ...]]:
        raise socket.gaierror("nobody knows it")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(hook_addresses.Unreachable, match="unknown host"):
        hook_addresses.post("http://nothing.corp.example/", b"", {}, may_be_private=True)


@pytest.mark.parametrize("host", [
    "127.0.0.1", "[::1]", "0", "2130706433", "0x7f.1", "169.254.169.254", "10.1.2.3",
    "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "localhost.",
])  # fmt: skip
def test_no_spelling_of_a_private_address_is_connected_to(host: str) -> None:
    with pytest.raises((hook_addresses.Unreachable, InvalidInput)) as refused:
        hook_addresses.check_url(f"http://{host}:9/", may_be_private=False)
        hook_addresses.post(f"http://{host}:9/", b"", {}, may_be_private=False)
    assert "no answer" not in str(refused.value)


@pytest.mark.parametrize("url", [
    "", "x", "file:///etc/passwd", "gopher://example.org/", "http://", "http://a b/",
    "http://me:pw@example.org/", "https://example.org/#x", "https://example.org:99999/",
    "https://example.org:0/", "https://[::1", "https://ex\u0430mple.org/", "http://a\\b/",
    "https://example.org/\r\nX: y", "https://example.org/" + "a" * 2000,
])  # fmt: skip
def test_an_address_that_will_not_do_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="url"):
        hook_addresses.check_url(url, may_be_private=True)


def test_public_addresses_may_be_told() -> None:
    assert hook_addresses.is_public(ipaddress.ip_address("93.184.216.34"))
    assert hook_addresses.is_public(ipaddress.ip_address("2606:2800:220:1::1"))
    assert hook_addresses.check_url("https://example.org/x?y=1", may_be_private=False)


def test_a_hook_hears_of_what_it_asked_for_until_it_ends(
    place: Resources, receiver: Receiver
) -> None:
    deaf, all_ears = add(place, receiver.url, "job.paused"), add(place, receiver.url)
    open_finding(place)
    assert rows(place, deaf.hook.id) == ()
    with transaction(place.sessions) as session:
        hooks.end_hook(session, all_ears.hook.id, NOW)
    calls.drain(place)
    assert not receiver.got
    assert rows(place, all_ears.hook.id)[0].state == "dropped"
    assert not open_finding(place)
    with pytest.raises(NotFound), transaction(place.sessions) as session:
        hooks.end_hook(session, all_ears.hook.id, NOW)
    with pytest.raises(InvalidInput, match="job"):
        add(place, receiver.url, "job.exploded")


def test_the_secret_is_in_no_row_but_its_own(place: Resources, receiver: Receiver) -> None:
    made = add(place, receiver.url)
    open_finding(place)
    receiver.status = 500
    calls.drain(place)
    shown = repr(rows(place, made.hook.id))
    with reading(place.sessions) as session:
        shown += repr(hooks.hooks(session))
        for table in (Work, HookDelivery):
            for row in session.scalars(select(table)):
                shown += repr(vars(row))
    assert made.secret not in shown
    assert made.secret.encode() not in b"".join(body for _, body in receiver.got)


def test_nothing_is_written_while_nobody_listens(place: Resources) -> None:
    open_finding(place)
    with reading(place.sessions) as session:
        assert not work.unfinished(session)


def test_an_event_rolled_back_is_never_told(place: Resources, receiver: Receiver) -> None:
    add(place, receiver.url)
    with pytest.raises(NotFound), transaction(place.sessions) as session:
        events.tell(session, "job.launched", "7", NOW, job_id=7)
        pausing.pause_job(session, 7, "ada", NOW)
    calls.drain(place)
    assert not receiver.got


def test_a_budget_is_called_nearly_spent_once(place: Resources) -> None:
    made = add(place, "https://example.org/")
    who = Reason("ada")
    with transaction(place.sessions) as session:
        job_id = make_job(session, make_dataset(session), budget_micros=0).id
        ledger.set_budget(session, job_id, 100, key="b", reason=who, now=NOW)
        ledger.hold(session, job_id, 100, key="h", reason=who, now=NOW)
    told = []
    for number, amount in enumerate((79, 1, 20)):
        with transaction(place.sessions) as session:
            spent = {"reward": amount}
            ledger.settle(session, job_id, spent, key=f"s{number}", reason=who, now=NOW)
        told.append([row.event for row in rows(place, made.hook.id)])
    assert told == [[], ["budget.nearly_spent"], ["budget.nearly_spent"]]


def test_a_job_tells_its_whole_life(bench: Bench) -> None:
    made = add(bench.resources, "https://example.org/")
    job_id = bench.launch()
    bench.drain()
    with transaction(bench.sessions) as session:
        pausing.pause_job(session, job_id, "mia@example.org", bench.dial())
    with transaction(bench.sessions) as session:
        pausing.resume_job(session, job_id, "mia@example.org", bench.dial())
    bench.answer_all()
    bench.settle_down()
    with reading(bench.sessions) as session:
        told = [row.event for row in hooks.deliveries(session, made.hook.id, limit=500)][::-1]
    assert told[0] == "job.launched"
    assert told[-1] == "job.finished"
    assert set(told) >= {"batch.published", "job.paused", "job.resumed", "batch.finished"}
    assert told.count("batch.published") == bench.count(Batch)
    assert told.count("job.finished") == 1
