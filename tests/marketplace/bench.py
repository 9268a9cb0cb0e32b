"""What marketplace tests work with: real boto3, real HTTP, workers who click through the pages."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from webapp.marketplace import books
from webapp.marketplace.accounts import find_requester
from webapp.marketplace.books import Statement
from webapp.marketplace.serving import Running
from webapp.marketplace.store import reading

SCHEMAS = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
PAGE = (
    "<!DOCTYPE html><html><head><title>t</title></head><body><form method='post'>"
    "<input name='colour'></form></body></html>"
)
_numbers = count(1)


def html_question(page: str = PAGE, height: str = "0") -> str:
    return (
        f'<HTMLQuestion xmlns="{SCHEMAS}2011-11-11/HTMLQuestion.xsd">'
        f"<HTMLContent><![CDATA[{page}]]></HTMLContent><FrameHeight>{height}</FrameHeight>"
        "</HTMLQuestion>"
    )


def external_question(url: str) -> str:
    return (
        f'<ExternalQuestion xmlns="{SCHEMAS}2006-07-14/ExternalQuestion.xsd">'
        f"<ExternalURL>{html.escape(url)}</ExternalURL><FrameHeight>600</FrameHeight>"
        "</ExternalQuestion>"
    )


def question_form(*questions: str, namespace: str = "2017-11-06") -> str:
    return (
        f'<QuestionForm xmlns="{SCHEMAS}{namespace}/QuestionForm.xsd">'
        + "".join(questions)
        + "</QuestionForm>"
    )


def choice(identifier: str, *selections: str, style: str = "radiobutton", more: str = "") -> str:
    rows = "".join(
        f"<Selection><SelectionIdentifier>{one}</SelectionIdentifier><Text>{one}</Text></Selection>"
        for one in selections
    )
    return (
        f"<Question><QuestionIdentifier>{identifier}</QuestionIdentifier>"
        "<IsRequired>true</IsRequired>"
        f"<QuestionContent><Text>Which {identifier}?</Text></QuestionContent>"
        f"<AnswerSpecification><SelectionAnswer><StyleSuggestion>{style}</StyleSuggestion>"
        f"<Selections>{rows}{more}</Selections></SelectionAnswer></AnswerSpecification></Question>"
    )


def free_text(identifier: str, constraints: str = "") -> str:
    return (
        f"<Question><QuestionIdentifier>{identifier}</QuestionIdentifier>"
        f"<QuestionContent><Text>Say {identifier}</Text></QuestionContent>"
        f"<AnswerSpecification><FreeTextAnswer>{constraints}</FreeTextAnswer>"
        "</AnswerSpecification></Question>"
    )


def answer_key(*rows: tuple[str, str, int], mapping: str = "") -> str:
    questions = "".join(
        f"<Question><QuestionIdentifier>{question}</QuestionIdentifier><AnswerOption>"
        f"<SelectionIdentifier>{right}</SelectionIdentifier><AnswerScore>{score}</AnswerScore>"
        "</AnswerOption></Question>"
        for question, right, score in rows
    )
    return f'<AnswerKey xmlns="{SCHEMAS}2005-10-01/AnswerKey.xsd">{questions}{mapping}</AnswerKey>'


def refused(call: Any, **arguments: Any) -> ClientError:
    """The error of a call that the service must refuse."""
    try:
        answer = call(**arguments)
    except ClientError as error:
        return error
    raise AssertionError(f"the service took it: {answer}")


def code_of(error: ClientError) -> str:
    """(type, TurkErrorCode without its prefix) in one text."""
    code = error.response.get("TurkErrorCode", "")
    return f"{error.response['Error']['Code']} {code.rpartition('.')[2]}".strip()


def message_of(error: ClientError) -> str:
    """The text without the time at its end."""
    return re.sub(r" \(\d{13} s\)$", "", error.response["Error"]["Message"])


@dataclass
class Account:
    """A requester with an account of its own."""

    running: Running
    key: str
    client: Any

    def hit_type(self, **more: Any) -> str:
        given = {
            "Title": "Colours",
            "Description": "Name a colour",
            "Reward": "0.05",
            "AssignmentDurationInSeconds": 600,
            **more,
        }
        return str(self.client.create_hit_type(**given)["HITTypeId"])

    def hit(self, type_id: str = "", **more: Any) -> dict[str, Any]:
        given = {
            "HITTypeId": type_id or self.hit_type(),
            "LifetimeInSeconds": 3600,
            "Question": html_question(),
            **more,
        }
        return dict(self.client.create_hit_with_hit_type(**given)["HIT"])

    def now(self, hit: dict[str, Any]) -> dict[str, Any]:
        return dict(self.client.get_hit(HITId=hit["HITId"])["HIT"])

    def assignments(self, hit: dict[str, Any]) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("list_assignments_for_hit").paginate(HITId=hit["HITId"])
        return [row for page in pages for row in page["Assignments"]]

    def statement(self) -> Statement:
        with reading(self.running.market.sessions) as session:
            requester = find_requester(session, self.key)
            assert requester is not None
            told = books.statement(session, requester.id)
            assert (told.available_cents, told.held_cents) == (
                requester.available_cents,
                requester.held_cents,
            )
            return told


@dataclass
class Person:
    """A worker in front of the pages."""

    running: Running
    name: str
    worker_id: str
    browser: requests.Session

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.browser.get(self.running.url + path, timeout=30, **more)

    def post(self, path: str, **fields: Any) -> requests.Response:
        token = self.token()
        return self.browser.post(
            self.running.url + path, data={"csrf_token": token, **fields}, timeout=30
        )

    def token(self) -> str:
        page = self.get("/worker/messages")
        found = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
        assert found, page.text
        return found[1]

    def groups(self, **search: str) -> dict[str, int]:
        page = self.get("/worker", params=search)
        found = re.findall(r'data-hit-type-id="([^"]+)" data-hits="(\d+)"', page.text)
        return {type_id: int(n_hits) for type_id, n_hits in found}

    def accept(self, hit: dict[str, Any]) -> requests.Response:
        return self.post(f"/projects/{hit['HITTypeId']}/accept", hit_id=hit["HITId"])

    def take(self, hit: dict[str, Any]) -> str:
        """The id of an assignment that must be given."""
        page = self.accept(hit)
        assert page.status_code == 200, page.text
        return page.url.rpartition("/")[2]

    def submit(self, assignment_id: str, **fields: str) -> requests.Response:
        return self.browser.post(
            self.running.url + "/mturk/externalSubmit",
            data={"assignmentId": assignment_id, **(fields or {"colour": "red"})},
            timeout=30,
        )

    def do(self, hit: dict[str, Any], **fields: str) -> str:
        assignment_id = self.take(hit)
        answer = self.submit(assignment_id, **fields)
        assert answer.status_code == 200, answer.text
        return assignment_id


def open_account(running: Running, key: str = "") -> Account:
    key = key or f"key{next(_numbers)}"
    client = boto3.client(
        "mturk",
        endpoint_url=running.url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )
    client.get_account_balance()
    return Account(running, key, client)


def meet(running: Running, **more: Any) -> Person:
    """A worker with a new account, signed in."""
    name = f"worker{next(_numbers)}"
    made = admin(running, "POST", "/workers", {"name": name, "password": "long enough", **more})
    assert made.status_code == 201, made.text
    person = Person(running, name, made.json()["worker_id"], requests.Session())
    page = person.get("/worker/sign-in")
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert token
    fields = {"name": name, "password": "long enough", "csrf_token": token[1]}
    landed = person.browser.post(running.url + "/worker/sign-in", data=fields, timeout=30)
    assert landed.status_code == 200, landed.text
    return person


def admin(running: Running, method: str, path: str, body: Any = None) -> requests.Response:
    return requests.request(
        method, f"{running.url}/admin{path}", json=body, headers=running.admin_headers, timeout=30
    )


def advance(running: Running, **amount: float) -> None:
    """Turn the marketplace's clock forward by days, hours or seconds."""
    seconds = {"days": 86_400, "hours": 3_600, "seconds": 1}
    total = sum(seconds[unit] * value for unit, value in amount.items())
    answer = admin(running, "POST", "/clock", {"advance_seconds": total})
    assert answer.status_code == 200, answer.text


def text_of(page: requests.Response) -> str:
    """The page's words without its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def frame_of(page: requests.Response) -> str:
    """The address in the page's frame."""
    found = re.search(r'<iframe[^>]* src="([^"]+)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


Served = Iterator[Running]
