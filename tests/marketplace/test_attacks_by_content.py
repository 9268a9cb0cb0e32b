"""What is sent to the marketplace to make it stumble: documents, numbers, floods."""

from __future__ import annotations

import pytest
import requests

from tests.marketplace.bench import (
    Account,
    Person,
    answer_key,
    choice,
    code_of,
    free_text,
    html_question,
    question_form,
    refused,
)
from webapp.marketplace.serving import Running

FORM = question_form(choice("c", "a", "b"), free_text("why"))

BOMBS = {
    "a document type": "<!DOCTYPE q SYSTEM 'file:///etc/passwd'>{}",
    "an outside entity": "<!DOCTYPE q [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>{}",
    "laughs": "<!DOCTYPE q [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>{}",
    "a parameter entity": "<!DOCTYPE q [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/'> %p;]>{}",
    "an unknown encoding": "<?xml version='1.0' encoding='x-unknown'?>{}",
    "a shifted encoding": "<?xml version='1.0' encoding='utf-7'?>{}",
    "another width": "<?xml version='1.0' encoding='utf-16'?>{}",
    "a deep nest": "<a>" * 9000 + "{}" + "</a>" * 9000,
    "nothing": "{0:.0}",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_documents_that_explode_or_reach_out_are_refused(account: Account, bomb: str) -> None:
    create = account.client.create_qualification_type
    named = {"Name": "bomb", "Description": "d", "QualificationTypeStatus": "Active"}
    for error in (
        refused(account.hit, Question=BOMBS[bomb].format(html_question()) or " "),
        refused(create, **named, TestDurationInSeconds=60, Test=BOMBS[bomb].format(FORM) or " "),
        refused(
            create, **named, TestDurationInSeconds=60, Test=FORM,
            AnswerKey=BOMBS[bomb].format(answer_key(("c", "a", 1))) or " ",
        ),
    ):  # fmt: skip
        assert code_of(error) == "ParameterValidationError"
        assert "root:" not in str(error)


def test_a_requester_s_expression_never_runs_here(account: Account, worker: Person) -> None:
    pattern = '<AnswerFormatRegex regex="^(a+)+$" errorText="no"/>'
    form = question_form(free_text("why", f"<Constraints>{pattern}</Constraints>"))
    hit = account.hit(Question=form)
    answer = worker.submit(worker.take(hit), q0="a" * 9_000 + "!")
    assert answer.elapsed.total_seconds() < 10
    assert answer.status_code == 200


@pytest.mark.parametrize("odd", ["1_0", "٣", "inf", "nan", "1e5", "0x1", " 1"])
def test_a_number_is_digits(account: Account, worker: Person, odd: str) -> None:
    number = free_text("n", "<Constraints><IsNumeric/></Constraints>")
    hit = account.hit(Question=question_form(number))
    assert worker.submit(worker.take(hit), q0=odd).status_code == 422


@pytest.mark.parametrize("n", [0, -1, 1_000_000_001])
def test_odd_numbers_of_assignments_are_refused(account: Account, n: int) -> None:
    assert code_of(refused(account.hit, MaxAssignments=n)).startswith("ParameterValidationError")


# Size


def test_a_flood_of_parts_is_refused(running: Running) -> None:
    boundary = "b"
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    answer = requests.post(
        running.url + "/mturk/externalSubmit",
        data=part * 100_000 + f"--{boundary}--\r\n",
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        timeout=60,
    )
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/", "/mturk/externalSubmit", "/worker/sign-in"])
def test_more_than_eight_megabytes_are_not_read(running: Running, path: str) -> None:
    answer = requests.post(running.url + path, data=b"x=" + b"y" * 9_000_000, timeout=60)
    assert answer.status_code in (400, 413)
    assert requests.get(running.url + "/worker/sign-in", timeout=30).status_code == 200
