"""What a HIT asks of a worker, in words; what a page says when something cannot be done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.marketplace.bench import (
    Account,
    Person,
    advance,
    choice,
    meet,
    question_form,
    text_of,
)
from webapp.marketplace.pages.demands import demands_of
from webapp.marketplace.serving import Running
from webapp.marketplace.standing import LOCALE, N_APPROVED, Locale

US_OR_CANADA = [{"Country": "US", "Subdivision": "CA"}, {"Country": "CA"}]
STANDING = {N_APPROVED: 12, LOCALE: Locale("US", "NY")}


@pytest.mark.parametrize(
    ("requirement", "wanted", "own", "fits"),
    [
        ({"Comparator": "GreaterThanOrEqualTo", "IntegerValues": [50]}, "at least 50", "12", False),
        ({"Comparator": "LessThan", "IntegerValues": [50]}, "under 50", "12", True),
        ({"Comparator": "In", "IntegerValues": [1, 12]}, "one of 1, 12", "12", True),
        ({"Comparator": "DoesNotExist"}, "not held", "12", False),
        (
            {"QualificationTypeId": LOCALE, "Comparator": "In", "LocaleValues": US_OR_CANADA},
            "one of US-CA, CA",
            "US-NY",
            False,
        ),
        ({"QualificationTypeId": "3GONE", "Comparator": "Exists"}, "any score", "none", False),
    ],
)
def test_a_requirement_is_said_with_what_the_worker_has(
    requirement: dict[str, Any], wanted: str, own: str, fits: bool
) -> None:
    row = {"QualificationTypeId": N_APPROVED, **requirement}
    (demand,) = demands_of([row], STANDING, dict.fromkeys((N_APPROVED, LOCALE, "3GONE"), "It"))
    assert (demand.wanted, demand.own, demand.is_met) == (wanted, own, fits)


def test_list_and_preview_say_which_qualification_is_lacking(
    account: Account, worker: Person
) -> None:
    made = account.client.create_qualification_type(
        Name=f"Birds {account.key}", Description="d", QualificationTypeStatus="Active"
    )
    needs = {
        "QualificationTypeId": made["QualificationType"]["QualificationTypeId"],
        "Comparator": "GreaterThan",
        "IntegerValues": [80],
    }
    hit = account.hit(account.hit_type(QualificationRequirements=[needs]))
    listed = text_of(worker.get("/worker", params={"search": account.key}))
    assert f"You lack Birds {account.key} (over 80)" in listed
    preview = text_of(worker.get(f"/projects/{hit['HITTypeId']}/tasks"))
    assert f"Birds {account.key}: over 80; yours: none does not fit" in preview
    assert "Accept this HIT" not in preview


def test_a_page_that_says_no_keeps_the_way_around_it_and_one_in_a_frame_does_not(
    account: Account, worker: Person
) -> None:
    gone = worker.get("/projects/3NOSUCH/tasks")
    assert (gone.status_code, "Your work" in text_of(gone)) == (404, True)
    held = worker.do(account.hit())
    again = worker.submit(held)
    assert (again.status_code, "Your work" in text_of(again)) == (409, False)


def test_a_test_whose_time_ran_out_is_said_and_not_offered_again(
    running: Running, account: Account, worker: Person
) -> None:
    made = account.client.create_qualification_type(
        Name=f"Maps {account.key}", Description="d", QualificationTypeStatus="Active",
        Test=question_form(choice("capital", "Paris", "Rome")), TestDurationInSeconds=60,
    )  # fmt: skip
    type_id = made["QualificationType"]["QualificationTypeId"]
    page = worker.post(f"/worker/qualifications/{type_id}/request")
    assert "media-src 'self' data: https: http:" in page.headers["Content-Security-Policy"]
    offer = f'data-qualification-type-id="{type_id}"'
    waiting = worker.get("/worker/qualifications").text
    assert ("continue the test" in waiting, offer in waiting) == (True, False)
    advance(running, seconds=61)
    over = worker.get("/worker/qualifications").text
    assert ("the time for the test ran out" in over, offer in over) == (True, False)
    assert offer in meet(running).get("/worker/qualifications").text
