"""Lists of a venue that break off, repeat a page, go in a circle or never end."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSResponse

from jobs.errors import ProviderError
from jobs.providers import mturk
from jobs.providers.mturk import Mturk
from tests.jobs.lifecycle import Bench

N_PAGES = 9
FAULT = {"__type": "ServiceFault", "Message": "try again"}


class Wire:
    """Nine pages of two HITs each; ``next_of`` says which page a page names as the next."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.failing: set[int] = set()
        self.next_of: Callable[[int], int] = lambda page: page + 1
        self.shown_at: Callable[[int], int] = lambda page: page

    def reply(self, request: SimpleNamespace, **_: object) -> AWSResponse:
        page = int(json.loads(request.body).get("NextToken", "page 1").removeprefix("page "))
        self.asked.append(page)
        if page in self.failing:
            self.failing.discard(page)
            return _answer(request.url, 500, FAULT)
        shown, following = self.shown_at(page), self.next_of(page)
        rows = [{"HITId": f"H{shown}{side}", "RequesterAnnotation": f"m{shown}"} for side in "ab"]
        more = {"NextToken": f"page {following}"} if following <= N_PAGES else {}
        return _answer(request.url, 200, {"NumResults": len(rows), "HITs": rows, **more})


def _answer(url: str, status: int, content: object) -> AWSResponse:
    body = SimpleNamespace(stream=lambda: iter([json.dumps(content).encode()]))
    return AWSResponse(url, status, {}, body)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def venue(bench: Bench, wire: Wire) -> Mturk:
    """A venue of its own whose replies come from ``wire``."""
    found = bench.resources.venues("mturk", "local", {})
    assert isinstance(found, Mturk)
    found._client.meta.events.register("before-send.mturk.*", wire.reply)
    return found


def read(venue: Mturk) -> list[str]:
    return [hit.provider_hit_id for hit in venue.hits()]


def test_a_page_that_fails_is_no_end_of_the_list(venue: Mturk, wire: Wire) -> None:
    wire.failing = {3}
    with pytest.raises(ProviderError) as failed:
        read(venue)
    assert (failed.value.permanent, wire.asked) == (False, [1, 2, 3])
    assert len(set(read(venue))) == len(read(venue)) == 2 * N_PAGES


def test_what_is_looked_for_behind_a_page_that_fails_is_not_missing(
    venue: Mturk, wire: Wire
) -> None:
    """What is "not found" would be posted a second time."""
    wire.failing = {3}
    with pytest.raises(ProviderError):
        venue.find("m7")
    found = venue.find("m7")
    assert found is not None
    assert found.provider_hit_id == "H7a"
    assert venue.find("m10") is None


def test_a_page_that_is_shown_twice_is_counted_once(venue: Mturk, wire: Wire) -> None:
    wire.shown_at = lambda page: 4 if page == 5 else page
    assert read(venue) == [f"H{page}{side}" for page in (1, 2, 3, 4, 6, 7, 8, 9) for side in "ab"]


@pytest.mark.parametrize("back_to", [1, 3, 6])
def test_pages_that_go_in_a_circle_end_with_an_error(
    venue: Mturk, wire: Wire, back_to: int
) -> None:
    wire.next_of = lambda page: back_to if page == 6 else page + 1
    with pytest.raises(ProviderError, match="circle") as failed:
        read(venue)
    assert not failed.value.permanent
    assert len(wire.asked) <= 2 * N_PAGES


def test_a_list_without_end_ends_with_an_error(
    venue: Mturk, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mturk, "_MOST_PAGES", 5)
    with pytest.raises(ProviderError, match="over 5 pages"):
        read(venue)
    assert wire.asked == [1, 2, 3, 4, 5]
