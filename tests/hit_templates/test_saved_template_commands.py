"""`hitworks template save`, `versions`, `show` and `finish-trial`."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from jobs.authoring import saved_trials
from jobs.authoring.rows import read_rows
from jobs.cli import _door
from jobs.errors import InvalidInput
from jobs.settings import Settings
from tests.canary import listening
from tests.factories import NOW
from webapp.cli import hitworks

PAGE = (
    "<!DOCTYPE html>\n<html lang='en'><head><title>t</title>"
    "<script src='https://assets.crowd.aws/crowd-html-elements.js'></script></head>"
    "<body><crowd-form><crowd-input name='a' required></crowd-input></crowd-form></body></html>"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def run(settings: Settings, *arguments: str) -> Result:
    with ThreadPoolExecutor(1) as thread:  # a browser test may have left its loop in this one
        return thread.submit(
            CliRunner().invoke, hitworks, ["template", *arguments], obj=settings
        ).result()


def test_a_page_is_kept_in_versions_and_printed_again(settings: Settings, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>${image_url}</p>\n", "utf-8")
    assert run(settings, "save", "cats", str(page), "--note", "first").output == "cats@1 (fields)\n"
    assert run(settings, "save", "cats", str(page)).output == "cats@1 (fields)\n"
    page.write_text("<p>{{ tasks[0].image.url }}</p>", "utf-8")
    assert run(settings, "save", "cats", str(page)).output == "cats@2 (jinja)\n"
    assert run(settings, "show", "cats@1").output == "<p>${image_url}</p>\n"
    listed = json.loads(run(settings, "versions", "cats", "--json").output)
    assert [(one["version"], one["note"]) for one in listed] == [(2, ""), (1, "first")]
    assert "first" in run(settings, "versions", "cats").output
    assert run(settings, "show", "dogs").exception


@pytest.mark.browser
def test_a_trial_of_the_studio_is_done_once(settings: Settings) -> None:
    with _door.writing(settings) as session:
        trial_id = saved_trials.plan_trial(session, "t", [PAGE, PAGE], actor="ada", now=NOW)
    for _ in range(2):
        assert "done" in run(settings, "finish-trial", str(trial_id)).output
        with _door.resources(settings) as place, place.sessions() as session:
            found = saved_trials.saved_trial(session, trial_id, NOW)
            pictures = [place.blobs.read(one["screenshot"]) for one in found.results]
        assert (found.state, [one["problem"] for one in found.results]) == ("done", ["", ""])
        assert all(one[:4] == b"\x89PNG" for one in pictures)


@pytest.mark.browser
def test_a_page_on_trial_reaches_nothing_within(tmp_path: Path) -> None:
    """The browser stands on the server: through it a page could read what only that may ask."""
    with listening() as canary, listening(leads_to=canary.url + "/led-on") as own:
        settings = Settings(data_dir=tmp_path / "data", public_url=own.url)
        port = canary.port
        frames = "".join(
            f'<iframe src="http://{host}/frame"></iframe><img src="http://{host}/img" alt="">'
            for host in (
                f"127.0.0.1:{port}", f"localhost:{port}", f"2130706433:{port}", f"0:{port}",
                f"0x7f.1:{port}", f"[::ffff:127.0.0.1]:{port}", f"[::1]:{port}", "169.254.169.254",
            )
        )  # fmt: skip
        script = (
            f"fetch('{canary.url}/fetch', {{mode: 'no-cors'}}).catch(() => 0);"
            f"new WebSocket('ws://127.0.0.1:{port}/socket');"
            f"navigator.sendBeacon('{canary.url}/beacon', 'x');"
        )
        page = PAGE.replace(
            "<crowd-form>",
            f'<img src="{own.url}/media/own" alt="">{frames}<script>{script}</script><crowd-form>',
        )
        with _door.writing(settings) as session:
            trial_id = saved_trials.plan_trial(session, "t", [page], actor="ada", now=NOW)
        assert "done" in run(settings, "finish-trial", str(trial_id)).output
        with _door.resources(settings) as place, place.sessions() as session:
            (found,) = saved_trials.saved_trial(session, trial_id, NOW).results
    assert "/media/own" in own.heard
    assert canary.heard == []
    assert found["answer"] is not None


def test_a_trial_that_never_ends_counts_as_failed(settings: Settings) -> None:
    with _door.writing(settings) as session:
        trial_id = saved_trials.plan_trial(session, "t", [PAGE], actor="ada", now=NOW)
        late = saved_trials.saved_trial(session, trial_id, NOW + 2 * saved_trials.GIVEN_UP_AFTER)
        assert (late.state, bool(late.problem)) == ("failed", True)
        saved_trials.end_trial(session, trial_id, NOW, "no browser")
        saved_trials.end_trial(session, trial_id, NOW)
        assert saved_trials.saved_trial(session, trial_id, NOW).problem == "no browser"
        assert saved_trials.pages_of(session, trial_id) == ()
        with pytest.raises(InvalidInput):
            saved_trials.plan_trial(session, "t", [PAGE] * 21, actor="ada", now=NOW)


@pytest.mark.parametrize(
    "text", ["a\n1\n", '[{"a": "1"}]', '{"a": "1"}\n', '\ufeff [\n{"a":"1"}\n]\n', '\n{"a":"1"}']
)
def test_rows_are_read_in_any_of_their_shapes(text: str) -> None:
    assert read_rows(text, "rows") == ({"a": "1"},)


@pytest.mark.parametrize("text", ["[1]", "[", '{"a": NaN}', '{"a": 1, "a": 2}', "[]", "", "a,a\n"])
def test_what_are_no_rows_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_rows(text, "rows")
