"""A requester's words on the workers' pages, in a real browser and on every address."""

from __future__ import annotations

import re
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
import requests
from playwright.sync_api import Browser

from tests.marketplace.bench import (
    Account,
    Person,
    choice,
    frame_of,
    free_text,
    question_form,
)
from webapp.marketplace.apps import content_app, worker_app
from webapp.marketplace.serving import Running

WORDS = {
    "a tag in an attribute": '"><img src=x data-evil onerror=alert(1)></script><script>alert(2)//',
    "a script's end": "</script></title></textarea><script data-evil>alert(3)</script><!--",
    "a drawing": "'><svg data-evil onload=alert(4)><use href='data:image/svg+xml,x'/></svg>",
    "an address": 'javascript:alert(6)//" data-evil autofocus onfocus=alert(6) x="',
    "a template": "{{7777*7777}}${7777*7777}<b data-evil>`${alert(7)}`</b>",
}
TEMPLATES = (
    "{{7777*7777}}", "${7777*7777}", "{% print 7777*7777 %}", "{{config}}",
    "{{lipsum.__globals__['os'].popen('touch CANARY').read()}}",
    "{{cycler.__init__.__globals__.os.system('touch CANARY')}}", "{{url_for.__globals__}}",
)  # fmt: skip
ARGUMENTS = ("search", "sort", "min_reward", "next", "groupId", "before", "mode", "hitId",
             "assignmentId", "workerId", "turkSubmitTo", "ticket", "q", "name", "html")  # fmt: skip


@pytest.mark.browser
@pytest.mark.parametrize("name", WORDS)
def test_no_words_of_a_requester_run_on_the_workers_pages(
    account: Account, worker: Person, browser: Browser, name: str
) -> None:
    words, client = WORDS[name], account.client
    said = {"Title": words, "Description": words, "Keywords": words.replace(",", " ")}
    form = question_form(
        choice("c", "a").replace("Which c?", escape(words)),
        free_text("why").replace("Say why", escape(words)),
    )
    done = worker.do(account.hit(account.hit_type(**said)))
    client.approve_assignment(AssignmentId=done, RequesterFeedback=words)
    reward = {"AssignmentId": done, "WorkerId": worker.worker_id, "BonusAmount": "0.10"}
    client.send_bonus(**reward, Reason=words)
    client.notify_workers(Subject=words, MessageText=words, WorkerIds=[worker.worker_id])
    test_id = client.create_qualification_type(
        Name=words, Description=words, QualificationTypeStatus="Active", Test=form,
        TestDurationInSeconds=600,
    )["QualificationType"]["QualificationTypeId"]  # fmt: skip
    test = worker.post(f"/worker/qualifications/{test_id}/request").url
    asked = account.hit(account.hit_type(**said, Reward="0.06"), Question=form)
    task = worker.take(account.hit(account.hit_type(**said, Reward="0.07"), Question=form))
    context, ran = browser.new_context(base_url=account.running.url), list[str]()
    context.add_cookies(
        [{"name": one.name, "value": one.value or "", "url": account.running.url}
         for one in worker.browser.cookies]
    )  # fmt: skip
    page = context.new_page()
    page.on("dialog", lambda dialog: ran.append(dialog.message))
    page.on("console", lambda m: ran.append(m.text) if "Content Security" in m.text else None)
    shown = 0
    for path in ("/worker", "/worker/work", "/worker/messages", "/worker/qualifications",
                 "/worker/tests/" + test.rpartition("/")[2], f"/worker/tasks/{task}",
                 f"/projects/{asked['HITTypeId']}/tasks"):  # fmt: skip
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        for frame in page.frames:
            assert frame.locator("[data-evil]").count() == 0, path
            assert "60481729" not in frame.content(), path
        shown += "data-evil" in page.inner_text("body")
    context.close()
    assert ran == []
    assert shown >= 5


def test_no_page_preview_or_frame_computes_what_it_is_sent(
    running: Running,
    account: Account,
    worker: Person,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every argument, header and field of every address of both origins."""
    monkeypatch.chdir(tmp_path)
    fills = {"hit_type_id": account.hit()["HITTypeId"], "filename": "worker.css"}
    frame = frame_of(worker.get(f"/worker/tasks/{worker.take(account.hit())}"))
    for payload in (*TEMPLATES, " ".join(TEMPLATES)):
        asked = dict.fromkeys(ARGUMENTS, payload)
        headers = {"Referer": payload, "User-Agent": payload, "X-Forwarded-Host": payload}
        said = [requests.get(frame + "&mode=" + payload, headers=headers, timeout=30)]
        for origin, app in (
            (running.url, worker_app(running.market)),
            (running.content_url, content_app(running.market)),
        ):
            for rule in app.url_map.iter_rules():
                path = re.sub(
                    r"<(?:\w+:)?(\w+)>", lambda found: fills.get(found[1], "x"), rule.rule
                )
                for method in {"GET", "POST"} & (rule.methods or set()):
                    if path != "/worker/sign-out":
                        sent = {"params": asked, "headers": headers, "timeout": 30}
                        data = asked if method == "POST" else None
                        said.append(
                            worker.browser.request(method, origin + path, data=data, **sent)
                        )
        for answer in said:
            assert answer.status_code < 500, answer.url
            assert not re.search("60481729|<Config|<module |SECRET_KEY", answer.text), answer.url
    assert not (tmp_path / "CANARY").exists()
