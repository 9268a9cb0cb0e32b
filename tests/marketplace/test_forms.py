"""QuestionForm HITs: read with care, rendered for workers, answered as the service did."""

from __future__ import annotations

import re

import pytest
import requests

from tests.marketplace.bench import (
    Account,
    Person,
    choice,
    code_of,
    frame_of,
    free_text,
    question_form,
    refused,
)

OTHER = "<OtherSelection/>"
FORM = question_form(
    "<Overview><Title>Hello &lt;there&gt;</Title><Text>Look at it</Text><List><ListItem>one"
    "</ListItem></List><FormattedContent><![CDATA[<p class='x'>Some <b>bold</b> <a "
    "href='https://example.com/' onclick='x()'>link</a></p>]]></FormattedContent></Overview>",
    choice("colour", "red", "blue", more=OTHER),
    choice("shapes", "round", "square", style="checkbox"),
    free_text("why", '<Constraints><Length minLength="2" maxLength="5"/></Constraints>'),
    free_text("count", '<Constraints><IsNumeric minValue="1" maxValue="9"/></Constraints>'),
)
GOOD = {"q0": "red", "q1": ["round", "square"], "q2": "abc", "q3": "4"}


def form_hit(account: Account, form: str = FORM) -> dict:
    return account.hit(Question=form)


def answers(document: str) -> dict[str, str]:
    return dict(
        re.findall(
            r"<Answer><QuestionIdentifier>(.*?)</QuestionIdentifier>(.*?)</Answer>", document
        )
    )


def test_a_form_is_shown_and_its_answers_are_selections_and_texts(
    account: Account, worker: Person
) -> None:
    hit = form_hit(account)
    page = worker.accept(hit)
    shown = requests.get(frame_of(page), timeout=30).text
    assert "Hello &lt;there&gt;" in shown
    assert "<b>bold</b>" in shown
    assert "onclick" not in shown
    assert 'class="x"' not in shown
    assert shown.count('type="radio"') == 3
    assert shown.count('type="checkbox"') == 2
    assert worker.submit(page.url.rpartition("/")[2], **GOOD).status_code == 200
    assert answers(account.assignments(hit)[0]["Answer"]) == {
        "colour": "<SelectionIdentifier>red</SelectionIdentifier>",
        "shapes": "<SelectionIdentifier>round</SelectionIdentifier>"
        "<SelectionIdentifier>square</SelectionIdentifier>",
        "why": "<FreeText>abc</FreeText>",
        "count": "<FreeText>4</FreeText>",
    }


def test_a_preview_cannot_be_sent(account: Account, worker: Person) -> None:
    hit = form_hit(account)
    page = worker.get(f"/projects/{hit['HITTypeId']}/tasks")
    assert "disabled>Accept the HIT to answer" in requests.get(frame_of(page), timeout=30).text


def test_another_choice_is_said_in_words(account: Account, worker: Person) -> None:
    hit = form_hit(account)
    given = {**GOOD, "q0": "*other*", "q0.other": "mauve <x>"}
    worker.do(hit, **given)
    told = answers(account.assignments(hit)[0]["Answer"])["colour"]
    assert told == "<OtherSelectionText>mauve &lt;x&gt;</OtherSelectionText>"


@pytest.mark.parametrize(
    "change",
    [
        {"q0": "green"},
        {"q0": ""},
        {"q0": ["red", "blue"]},
        {"q0": "*other*"},
        {"q2": "a"},
        {"q2": "abcdef"},
        {"q3": "10"},
        {"q3": "many"},
        {"q3": "nan"},
    ],
)
def test_answers_that_do_not_fit_are_sent_back(
    account: Account, worker: Person, change: dict
) -> None:
    hit = form_hit(account)
    assignment_id = worker.take(hit)
    answer = worker.submit(assignment_id, **{**GOOD, **change})
    assert answer.status_code == 422
    assert "Go back and mend it" in answer.text
    assert account.now(hit)["NumberOfAssignmentsPending"] == 1


def overview(content: str) -> str:
    return f"<Overview><FormattedContent><![CDATA[{content}]]></FormattedContent></Overview>"


@pytest.mark.parametrize(
    "form",
    [
        question_form(),
        question_form("<Overview><Title>only</Title></Overview>"),
        question_form(choice("a", "x"), choice("a", "y")),
        question_form(choice("a", "x", "x")),
        question_form(choice("a")),
        question_form(choice("a", "x", style="wheel")),
        question_form(choice("", "x")),
        question_form(free_text("a").replace("FreeTextAnswer", "FileUploadAnswer")),
        question_form(free_text("a").replace("<Text>Say a</Text>", "<Application/>")),
        question_form(free_text("a"), "<Extra/>"),
        question_form(free_text("a", "<Constraints><Length maxLength='x'/></Constraints>")),
        question_form(free_text("a"), namespace="2031-01-01"),
        question_form(overview("<script>alert(1)</script>"), free_text("a")),
        question_form(overview("<div>no</div>"), free_text("a")),
        question_form(overview("<a href='javascript:alert(1)'>x</a>"), free_text("a")),
        question_form(overview("<b>not closed"), free_text("a")),
        question_form(
            "<Overview><Binary><MimeType><Type>image</Type></MimeType>"
            "<DataURL>file:///etc/passwd</DataURL></Binary></Overview>",
            free_text("a"),
        ),
    ],
)
def test_forms_that_do_not_fit_are_refused(account: Account, form: str) -> None:
    assert code_of(refused(account.hit, Question=form)) == "ParameterValidationError"


def test_pictures_and_frames_become_what_is_safe(account: Account, worker: Person) -> None:
    form = question_form(
        "<Overview><Binary><MimeType><Type>image</Type><SubType>png</SubType></MimeType>"
        '<DataURL>https://example.com/a.png?x="1</DataURL><AltText>A "cat"</AltText></Binary>'
        "</Overview>",
        overview("<iframe src='https://example.com/frame'/><br/>"),
        free_text("a"),
    )
    shown = requests.get(frame_of(worker.accept(form_hit(account, form))), timeout=30).text
    assert 'src="https://example.com/a.png?x=&#34;1" alt="A &#34;cat&#34;"' in shown
    assert "<iframe" not in shown
    assert 'href="https://example.com/frame"' in shown
