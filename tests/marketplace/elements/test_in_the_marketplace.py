"""A HIT made with boto3, worked on in a real browser inside the marketplace's own frame."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from playwright.sync_api import Browser, Page, expect

from jobs import answers
from jobs.pages.hit_page import render
from jobs.records import ImageRef, LabelSchema, TaskSpec
from tests.marketplace.elements.crowd_site import Site
from tests.marketplace.elements.drawing import Hand, near
from webapp.marketplace import accounts
from webapp.marketplace.serving import Running, serve
from webapp.marketplace.store import write

pytestmark = pytest.mark.browser

SCHEMA = LabelSchema(name="things", classes=("Dog", "Cat"), attributes=(), title="Box it")
PASSWORD = "long enough for a test"
ENVELOPE = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/'
    '2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[{html}]]></HTMLContent>'
    "<FrameHeight>0</FrameHeight></HTMLQuestion>"
)


def sign_in(page: Page, market: Running) -> None:
    now = int(datetime.now(UTC).timestamp())
    write(
        market.market.sessions,
        lambda rows: accounts.create_worker(rows, name="ann", password=PASSWORD, now=now).id,
    )
    page.goto(f"{market.url}/worker/sign-in")
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_boxes_drawn_in_the_frame_arrive_at_the_requester(
    browser: Browser, site: Site, picture: str, tmp_path: Path
) -> None:
    tasks = [TaskSpec(7, 0, ImageRef(1, "key", picture, 640, 480))]
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    with serve(database_url=f"sqlite:///{tmp_path}/market.db") as market:
        requester = boto3.client(
            "mturk",
            endpoint_url=market.url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        hit = requester.create_hit(
            Title="Box it",
            Description="Draw boxes",
            Reward="0.05",
            AssignmentDurationInSeconds=600,
            LifetimeInSeconds=3600,
            MaxAssignments=1,
            Question=ENVELOPE.format(html=render("boxes", SCHEMA, (), tasks)),
        )["HIT"]
        sign_in(page, market)
        page.get_by_role("link", name="Box it").click()
        frame = page.frame_locator("#hit-frame")
        expect(frame.get_by_role("button", name="Submit")).to_be_disabled()
        page.get_by_role("button", name="Accept this HIT").click()
        expect(frame.get_by_role("button", name="Submit")).to_be_enabled()
        expect(frame.locator(".a9s-annotationlayer")).to_be_visible()
        Hand(page, frame.locator("crowd-bounding-box")).drag(160, 120, 400, 300)
        frame.get_by_role("button", name="Submit").click()
        page.wait_for_url("**/projects/**")
        page.close()
        found = requester.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"]
        requester.close()
    (assignment,) = found
    (box,) = answers.parse(assignment["Answer"], "boxes", SCHEMA, (), tasks)[7]["boxes"]
    assert near(
        [[box["label"], box["left"], box["top"], box["right"], box["bottom"]]],
        [["Dog", 160, 120, 400, 300]],
    )
