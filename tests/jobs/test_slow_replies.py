"""A reply that comes a byte at a time meets no read time-out; a call ends all the same."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jobs.providers import _turk_deadline as deadline
from jobs.providers import _turk_identity as aws
from jobs.providers._turk_errors import translate
from jobs.providers._turk_notifications import EventQueue
from jobs.providers._turk_session import make_client
from jobs.resources import open_resources
from jobs.tables import Hit, LedgerTransaction, Work
from tests.jobs.dribbling import line_to
from tests.jobs.lifecycle import Bench
from webapp.marketplace.serving import serve

POST = "CreateHITWithHITType"
PARTS = ("headers", "body")


@pytest.fixture
def slow(bench, monkeypatch):
    """The bench behind a line; a call whose reply is to dribble has half a second. And the line."""
    with line_to(bench.market.url) as line:
        settings = bench.resources.settings.model_copy(update={"mturk_local_url": line.url})
        resources = open_resources(settings, bench.sessions, bench.dial)

        def hurry(model, **_):
            seconds = 0.5 if model.name in line.slow else 120.0
            monkeypatch.setattr(deadline, "LONGEST_CALL_SECONDS", seconds)

        client = resources.venues("mturk", "local", {})._client
        client.meta.events.register("before-call.mturk.*", hurry)
        yield Bench(resources, bench.dial, bench.market), line


@pytest.fixture
def market(tmp_path):
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}") as running:
        yield running


def client_at(url):
    """A client as ours are, whose reads take half a minute at most, for balances alone."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=30)
    return make_client(
        "mturk", endpoint_url=url, region_name="us-east-1", aws_access_key_id="local",
        aws_secret_access_key="local", config=config,
    )  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_a_post_whose_reply_dribbles_is_of_unknown_outcome_and_posts_once(slow, part):
    bench, line = slow
    job_id = bench.launch(n_items=1)
    line.slow = {POST: part}
    bench.drain()
    (hit,) = bench.ours(Hit)
    assert (hit.state, line.n_slow) == ("unknown", 1)
    assert bench.job(job_id).held_micros == 2 * 60_000
    (row,) = bench.ours(Work, task_name="publish_batch")
    assert (row.state, "time" in row.error) == ("ready", True)
    assert len(bench.market_hits()) == 1

    line.slow = {}
    bench.settle_down()
    assert len(bench.market_hits()) == 1
    assert [hit.state for hit in bench.ours(Hit)] == ["posted"]
    assert bench.count(LedgerTransaction, job_id=job_id, kind="hold") == 1
    bench.answer_all()
    bench.settle_down()
    assert bench.job(job_id).state == "finished"
    bench.check_books()


@pytest.mark.parametrize("part", PARTS)
def test_a_list_that_dribbles_is_asked_for_again(slow, part):
    bench, line = slow
    job_id = bench.launch(n_items=1)
    bench.settle_down(1)
    bench.answer_all()
    line.slow = {"ListAssignmentsForHIT": part}
    bench.settle_down(1)
    assert line.n_slow > 0
    (row,) = bench.ours(Work, task_name="collect_batch")
    assert (row.state, "list_assignments_for_hit" in row.error) == ("ready", True)
    line.slow = {}
    bench.settle_down()
    assert bench.job(job_id).state == "finished"
    bench.check_books()


def test_slow_is_not_late_while_the_call_has_time(market):
    with line_to(market.url) as line:
        line.slow = {"GetAccountBalance": "body"}
        assert client_at(line.url).get_account_balance()["AvailableBalance"]
        assert line.n_slow == 1


def test_each_call_has_its_own_time_on_a_connection_that_is_kept(market, monkeypatch):
    client = client_at(market.url)
    for seconds in (0.0, 120.0, 0.0, 120.0):
        monkeypatch.setattr(deadline, "LONGEST_CALL_SECONDS", seconds)
        if seconds:
            assert client.get_account_balance() and client.get_account_balance()
            continue
        with pytest.raises(ReadTimeoutError) as caught:
            client.get_account_balance()
        error = translate(caught.value, "get_account_balance")
        assert (error.permanent, error.outcome_unknown) == (False, True)


@pytest.mark.parametrize("part", PARTS)
def test_a_reply_that_dribbles_through_tls_ends_too(market, tmp_path, monkeypatch, part):
    context, authority = _certified(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority))
    with line_to(market.url, context) as line:
        client = client_at(line.url)
        assert client.get_account_balance()["AvailableBalance"]
        line.slow = {"GetAccountBalance": part}
        monkeypatch.setattr(deadline, "LONGEST_CALL_SECONDS", 0.5)
        with pytest.raises(ReadTimeoutError):
            client.get_account_balance()
        assert line.n_slow == 1


def test_every_client_of_a_venue_is_bounded(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "none")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    clients = (
        make_client("mturk", region_name="us-east-1"),
        aws.open_identity_client(),
        EventQueue("http://127.0.0.1:9/queue")._client,
    )
    for client in clients:
        manager = client._endpoint.http_session._manager
        for url in ("http://127.0.0.1:9", "https://127.0.0.1:9"):
            pool = manager.connection_from_url(url)
            assert pool.ConnectionCls.response_class is deadline._Reply


def _certified(folder):
    """A server's context for 127.0.0.1, and the file of the authority that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a venue")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, secret = folder / "authority.pem", folder / "key.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, secret)
    return context, authority
