"""Strict mode: whoever cannot sign, signs late, or changes what was signed is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from jobs.providers.mturk import open_client
from jobs.settings import Settings
from scripts.bench import load
from tests.marketplace.bench import admin
from webapp.marketplace.secrets_file import load_secrets
from webapp.marketplace.serving import Running

KEY, SECRET = "AKIAEXAMPLE", "very secret"
TARGET = "MTurkRequesterServiceV20170117.GetAccountBalance"


@pytest.fixture
def strict(served: Callable[..., Running]) -> Running:
    running = served(strict=True)
    made = admin(running, "POST", "/requesters", {"access_key": KEY, "secret_key": SECRET})
    assert made.status_code == 201
    return running


def signed(
    running: Running, *, key: str = KEY, secret: str = SECRET, body: str = "{}",
    late: timedelta = timedelta(), service: str = "mturk-requester",
) -> requests.PreparedRequest:  # fmt: skip
    """A request signed by botocore's own code, ``late`` after its time."""
    request = AWSRequest("POST", f"{running.url}/", data=body)
    request.headers["X-Amz-Target"] = TARGET
    request.headers["Content-Type"] = "application/x-amz-json-1.1"
    stamp = (datetime.now(UTC) - late).strftime("%Y%m%dT%H%M%SZ")
    request.headers["X-Amz-Date"] = stamp
    request.context["timestamp"] = stamp
    auth = SigV4Auth(Credentials(key, secret), service, "us-east-1")
    to_sign = auth.string_to_sign(request, auth.canonical_request(request))
    scope = f"{key}/{stamp[:8]}/us-east-1/{service}/aws4_request"
    names = auth.signed_headers(auth.headers_to_sign(request))
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, "
        f"Signature={auth.signature(to_sign, request)}"
    )
    headers = dict(request.headers.items())
    return requests.Request("POST", f"{running.url}/", data=body, headers=headers).prepare()


def send(request: requests.PreparedRequest) -> tuple[int, str, str]:
    """(status, error type, message)."""
    with requests.Session() as session:
        answer = session.send(request, timeout=30)
    told = answer.json()
    return answer.status_code, told.get("__type", ""), told.get("Message", "")


def refused(request: requests.PreparedRequest, message: str, kind: str = "") -> None:
    status, given, text = send(request)
    assert (status, given) == (400, kind or "InvalidSignatureException")
    assert message in text


def test_a_right_signature_is_taken(strict: Running) -> None:
    assert send(signed(strict))[0] == 200


def test_a_wrong_secret_is_refused(strict: Running) -> None:
    refused(signed(strict, secret="guessed"), "does not match the signature you provided")


@pytest.mark.parametrize(
    ("late", "message"),
    [
        (timedelta(minutes=15, seconds=30), "Signature expired: "),
        (timedelta(minutes=-15, seconds=-30), "Signature not yet current: "),
        (timedelta(days=1), "Signature expired: "),
    ],
)
def test_a_clock_more_than_15_minutes_off_is_refused(
    strict: Running, late: timedelta, message: str
) -> None:
    refused(signed(strict, late=late), message)


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_less_than_15_minutes_off_is_taken(strict: Running, minutes: int) -> None:
    assert send(signed(strict, late=timedelta(minutes=minutes)))[0] == 200


def test_an_altered_body_is_refused(strict: Running) -> None:
    request = signed(strict)
    request.body = '{"x":1}'
    request.headers["Content-Length"] = str(len(request.body))
    refused(request, "does not match the signature you provided")


@pytest.mark.parametrize("header", ["X-Amz-Target", "X-Amz-Date"])
def test_an_altered_header_is_refused(strict: Running, header: str) -> None:
    request = signed(strict)
    stamp = (datetime.now(UTC) - timedelta(seconds=70)).strftime("%Y%m%dT%H%M%SZ")
    other = {"X-Amz-Target": TARGET.replace("GetAccountBalance", "ListHITs"), "X-Amz-Date": stamp}
    request.headers[header] = other[header]
    refused(request, "does not match the signature you provided")


def test_an_operation_that_was_not_signed_is_refused(strict: Running) -> None:
    request = signed(strict)
    header = request.headers["Authorization"]
    request.headers["Authorization"] = header.replace(";x-amz-target", "")
    refused(request, "Not signed, but must be: x-amz-target.")


def test_a_signature_for_another_service_is_refused(strict: Running) -> None:
    refused(signed(strict, service="s3"), "Credential should be scoped to correct service")


@pytest.mark.parametrize("key", ["AKIAOTHER", "A" * 128])
def test_an_unknown_key_opens_no_account(strict: Running, key: str) -> None:
    refused(
        signed(strict, key=key), "The security token included in the request is invalid.",
        "UnrecognizedClientException",
    )  # fmt: skip
    assert admin(strict, "GET", f"/books/{key}").status_code == 404


@pytest.mark.parametrize("key", ["local", "inhouse"])
def test_the_installation_s_own_accounts_sign_with_the_secret_file(
    strict: Running, key: str
) -> None:
    assert send(signed(strict, key=key, secret=strict.market.secrets.requester_key))[0] == 200
    refused(signed(strict, key=key, secret=key), "does not match")


def test_an_older_secret_file_gets_the_key_and_keeps_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(json.dumps({"session_key": "s" * 64, "admin_token": "t"}))
    first, second = load_secrets(path), load_secrets(path)
    assert first == second
    assert (first.session_key, first.admin_token) == ("s" * 64, "t")
    assert len(first.requester_key) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["secrets.json"]


@pytest.mark.parametrize("by", ["option", "setting"])
def test_the_command_serves_strictly_and_the_product_s_own_routes_sign(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by == "setting":
        monkeypatch.setenv("HITWORKS_MARKETPLACE_STRICT", "true")
    options = ["--strict"] if by == "option" else []
    url = f"sqlite:///{tmp_path / 'strict.sqlite'}"
    with load.running_server(url, tmp_path, *options) as server:
        settings = Settings(data_dir=tmp_path, mturk_local_url=server.url)
        for account in ("local", "inhouse"):
            ours = open_client("local", settings, account)
            assert ours.get_account_balance()["AvailableBalance"]
        elsewhere = Settings(data_dir=tmp_path / "elsewhere", mturk_local_url=server.url)
        with pytest.raises(ClientError, match="InvalidSignatureException"):
            open_client("local", elsewhere, "local").get_account_balance()


def test_without_it_any_secret_will_do(running: Running) -> None:
    settings = Settings(data_dir=Path("nowhere"), mturk_local_url=running.url)
    assert open_client("local", settings, "local").get_account_balance()["AvailableBalance"]
