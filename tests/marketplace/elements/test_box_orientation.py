"""Whatever the camera wrote into EXIF, a box drawn on what is seen is a box of what is stored."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from playwright.sync_api import Page

from tests.marketplace.elements.crowd_site import Site, open_hit
from tests.marketplace.elements.drawing import Hand, bounding_box
from tests.marketplace.elements.test_crowd_form import page_of, submit

pytestmark = pytest.mark.browser

UPRIGHT = (320, 200)
BLOCK = (40, 30, 140, 90)
# The pixels a camera stores so that a viewer that heeds the tag sees the upright picture.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def photo(orientation: int) -> bytes:
    image = Image.new("RGB", UPRIGHT, (90, 110, 130))
    left, top, right, bottom = BLOCK
    ImageDraw.Draw(image).rectangle((left, top, right - 1, bottom - 1), fill=(230, 20, 20))
    turn = STORED[orientation]
    stored = image if turn is None else image.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    stored.save(data, "JPEG", quality=95, subsampling=0, exif=exif)
    return data.getvalue()


def seen_block(page: Page) -> tuple[float, float, float, float]:
    """The red block as it stands on the screen, in css pixels of the page."""
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    pixels = np.asarray(shot).astype(int)
    red = (pixels[:, :, 0] > 190) & (pixels[:, :, 1] < 70) & (pixels[:, :, 2] < 70)
    rows, columns = np.where(red.any(axis=1))[0], np.where(red.any(axis=0))[0]
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_box_around_what_is_seen_holds_the_same_pixels_of_the_file(
    page: Page, site: Site, orientation: int
) -> None:
    data = photo(orientation)
    src = site.add("/photo.jpg", data, "image/jpeg")
    open_hit(page, site.hit(page_of(bounding_box(src))))
    hand = Hand(page, page.locator("crowd-bounding-box"), UPRIGHT)
    page.mouse.move(0, 0)
    left, top, right, bottom = seen_block(page)
    frame = hand.canvas.bounding_box()
    assert frame
    scale = UPRIGHT[0] / frame["width"]
    x, y = frame["x"], frame["y"]
    hand.drag((left - x) * scale, (top - y) * scale, (right - x) * scale, (bottom - y) * scale)
    submit(page)
    answer = site.answer()["b"]
    assert answer["inputImageProperties"] == {"width": UPRIGHT[0], "height": UPRIGHT[1]}
    (box,) = answer["boundingBoxes"]
    found = (box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"])
    assert found == pytest.approx(BLOCK, abs=1)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    inside = np.asarray(upright.crop((found[0] + 2, found[1] + 2, found[2] - 2, found[3] - 2)))
    assert inside[:, :, 0].min() > 190
    assert inside[:, :, 1].max() < 70


@pytest.mark.parametrize("orientation", range(1, 9))
def test_points_and_polygons_are_of_the_upright_picture_too(
    page: Page, site: Site, orientation: int
) -> None:
    src = site.add("/photo.jpg", photo(orientation), "image/jpeg")
    asked = f'src="{src}" labels="[\'block\']" header="Mark"'
    body = "".join(
        f'<{tag} name="{tag}" {asked}><full-instructions header="H">f</full-instructions>'
        f"<short-instructions>s</short-instructions></{tag}>"
        for tag in ("crowd-keypoint", "crowd-polygon")
    )
    open_hit(page, site.hit(page_of(body)))
    left, top, right, bottom = BLOCK
    middle = ((left + right) / 2, (top + bottom) / 2)
    Hand(page, page.locator("crowd-keypoint"), UPRIGHT).click(*middle)
    polygon = Hand(page, page.locator("crowd-polygon"), UPRIGHT)
    for corner in ((left, top), (right, top), middle):
        polygon.click(*corner)
    page.keyboard.press("Enter")
    submit(page)
    answer = site.answer()
    (point,) = answer["crowd-keypoint"]["keypoints"]
    assert (point["x"], point["y"]) == pytest.approx(middle, abs=1)
    (drawn,) = answer["crowd-polygon"]["polygons"]
    assert [(one["x"], one["y"]) for one in drawn["vertices"]] == [
        pytest.approx(corner, abs=1) for corner in ((left, top), (right, top), middle)
    ]
    for mark in answer.values():
        assert mark["inputImageProperties"] == {"width": UPRIGHT[0], "height": UPRIGHT[1]}
