"""Who comes too often is told so, and nobody else is held up by it; options as one writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
import requests

from scripts.bench import load
from tests.marketplace.bench import Person, code_of, meet, message_of, open_account, refused
from webapp import cli
from webapp.marketplace.options import Options, read_options
from webapp.marketplace.serving import Running


def test_an_account_past_its_rate_is_told_the_service_s_words_and_another_is_not(
    served: Callable[..., Running],
) -> None:
    running = served(call_rates="4/day")
    busy, calm = (open_account(running, key) for key in ("busy", "calm"))
    for _ in range(3):
        busy.client.get_account_balance()
    error = refused(busy.client.get_account_balance)
    assert (code_of(error), message_of(error)) == ("ThrottlingException", "Rate exceeded")
    assert calm.client.get_account_balance()["AvailableBalance"] == "10000.00"


def test_a_worker_s_flood_of_forms_is_held_back_and_another_worker_s_is_taken(
    served: Callable[..., Running],
) -> None:
    running = served(form_rates="3/day")
    account, busy, calm = open_account(running), meet(running), meet(running)
    hits = [account.hit() for _ in range(3)]
    busy.do(hits[0])
    held = busy.take(hits[1])
    assert busy.submit(held).status_code == 429
    assert "too fast" in busy.accept(hits[2]).text
    assert busy.get("/worker").status_code == 200
    calm.do(hits[2])
    assert [len(account.assignments(hit)) for hit in hits] == [1, 0, 1]


def test_of_strangers_only_refused_forms_are_counted_for_they_may_share_an_address(
    served: Callable[..., Running],
) -> None:
    running = served(form_rates="2/day")
    account = open_account(running)
    hits = [account.hit() for _ in range(3)]
    held = [meet(running).take(hit) for hit in hits]
    stranger = Person(running, "", "", requests.Session())
    assert [stranger.submit(one).status_code for one in held] == [200, 200, 200]
    again = [stranger.submit(held[0]) for _ in range(3)]
    assert [answer.status_code for answer in again] == [409, 409, 429]
    assert "frame-ancestors 'self'" in again[-1].headers["Content-Security-Policy"]


def test_options_are_read_as_one_writes_them() -> None:
    pairs = ["strict=yes", "settling_seconds=15", "notification_hosts=a.example,b.example"]
    assert read_options([*pairs, "page_size=5", "page_size=7"], form_rates="5/second") == Options(
        strict=True, settling_seconds=15.0, page_size=7, form_rates="5/second",
        notification_hosts=("a.example", "b.example"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "pair",
    ["strict", "strict=perhaps", "page_size=a", "repeated_fields=last", "call_rates=5", "no=1"],
)
def test_an_option_that_cannot_be_read_is_named(pair: str) -> None:
    with pytest.raises(ValueError, match=pair.partition("=")[0] if "rates" not in pair else "'5'"):
        read_options([pair])


def test_the_command_refuses_an_option_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--data-dir", str(tmp_path), "marketplace", "--option", "page_size=many"])
    assert ended.value.code == cli.BAD_INPUT
    assert "marketplace option page_size=many" in capsys.readouterr().err


def test_the_command_takes_options_from_its_line_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITWORKS_MARKETPLACE_OPTIONS", "page_size=3 call_rates=6/day")
    url = f"sqlite:///{tmp_path / 'market.sqlite'}"
    with load.running_server(url, tmp_path, "--option", "page_size=2") as server:
        client = boto3.client(
            "mturk", endpoint_url=server.url, region_name="us-east-1",
            aws_access_key_id="a", aws_secret_access_key="b",
        )  # fmt: skip
        for number in range(4):
            client.create_qualification_type(
                Name=f"Q{number}", Description="d", QualificationTypeStatus="Active"
            )
        listed = client.list_qualification_types(MustBeRequestable=True)
        assert listed["NumResults"] == 2
        client.get_account_balance()
        with pytest.raises(client.exceptions.ClientError, match="Rate exceeded"):
            client.get_account_balance()
