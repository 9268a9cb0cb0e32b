"""What must stop a job before any money is held."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bad_input.doors import CROWD, SCHEMA, House

LONG = {"instructions": "漢" * 20_000, "short_instructions": "字" * 3_000}


def test_a_budget_too_small_is_refused_with_the_missing_amount(house: House) -> None:
    number = house.job_id(budget="0.10")
    told = "it can cost $0.3603 and the budget is $0.10: $0.2603 is missing"
    assert told in house.by_command("job", "launch", str(number), "--yes")
    assert told in house.by_api("POST", f"/jobs/{number}/launch")
    assert told in house.by_page(f"/jobs/{number}/launch", {})
    answer = house.ask("POST", f"/jobs/{number}/launch")
    assert answer.get_json()["error"]["missing_micros"] == 260_300


def test_a_hit_over_64_kilobytes_is_refused_with_its_size(house: House) -> None:
    schema = {**SCHEMA, "name": "long", **LONG}
    house.told("schema", "save", house.write("long.json", json.dumps(schema)))
    number = house.job_id(schema="long", routes=[CROWD])
    told = "HIT page: expected at most 65,535 bytes with its envelope, got "
    assert told in house.by_command("job", "estimate", str(number))
    assert told in house.by_command("job", "launch", str(number), "--yes")
    assert told in house.by_api("GET", f"/jobs/{number}/estimate")
    assert told in house.by_api("POST", f"/jobs/{number}/launch")
    assert told in house.by_page(f"/jobs/{number}/launch", {})
    assert told in house.by_command(
        "template", "render", "long.json", "--kind", "boxes", "--image", "http://x.example/a.jpg"
    )


def test_a_production_job_is_launched_only_with_its_name_typed(house: House) -> None:
    number = house.job_id(name="Real money", environment="production")
    told = "confirm: this job spends real money: expected its name, 'Real money', got "
    launch = ("job", "launch", str(number), "--yes")
    assert told in house.by_command(*launch)
    assert told in house.by_command(*launch, "--confirm", "real money")
    assert told in house.by_api("POST", f"/jobs/{number}/launch")
    assert told in house.by_api("POST", f"/jobs/{number}/launch", {"confirm": "yes"})
    assert told in house.by_page(f"/jobs/{number}/launch", {"confirm": "real money"})
    # Typed, it is the next check that speaks: nobody here can pay.
    message = house.by_api("POST", f"/jobs/{number}/launch", {"confirm": "Real money"})
    assert "nobody could say who pays" in message


@pytest.mark.parametrize("amount", ["-5", "NaN", "1e9", "٥", "true", "0.0000001", "", "1,5", "1_0"])
def test_a_budget_that_is_no_amount_changes_nothing(house: House, amount: str) -> None:
    number = house.job_id()
    told = f"budget: expected US dollars such as 0.05, got {amount!r}"
    command = ("ledger", "budget", "--key", "k", "--", str(number), amount)
    assert house.by_command(*command) == told
    body: dict[str, Any] = {"budget": amount, "key": "k"}
    assert house.by_api("PUT", f"/jobs/{number}/budget", body) == told
    assert told in house.by_page(f"/jobs/{number}/budget", {"budget": amount})


@pytest.mark.parametrize("key", ["", "k" * 101, "../k", "a b"])
def test_a_budget_change_is_named_plainly(house: House, key: str) -> None:
    number = house.job_id()
    assert "--key: expected" in house.by_command("ledger", "budget", str(number), "5", "--key", key)
    house.by_api("PUT", f"/jobs/{number}/budget", {"budget": "5", "key": key})


def test_an_export_of_no_labels_or_no_format_leaves_no_file(house: House) -> None:
    number = house.job_id()
    formats = "expected one of coco, csv_spreadsheet, csv_tags, jsonl, voc, yolo"
    assert "no labels" in house.by_command("export", "write", str(number), "--format", "jsonl")
    assert "tarot" in house.by_command("export", "write", str(number), "--format", "tarot")
    assert formats in house.by_api("POST", f"/jobs/{number}/exports", {"format": "tarot"})
    assert formats in house.by_page(f"/jobs/{number}/exports", {"format": "tarot"})
