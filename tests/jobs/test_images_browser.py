"""Workers draw on what a browser shows: its size must be the size that we store."""

import base64

import pytest

from jobs.images import browser_file, inspect_image
from tests.jobs.pictures import picture

pytestmark = pytest.mark.browser

SIZES = """() => Promise.all([...document.images].map(async (image) => {
  await image.decode();
  return [image.naturalWidth, image.naturalHeight];
}))"""


def test_a_browser_shows_every_orientation_at_the_size_we_store(browser):
    pictures = [
        picture(form=form, orientation=orientation)
        for form in ("JPEG", "PNG", "WEBP")
        for orientation in range(1, 9)
    ]
    facts = [inspect_image(data) for data in pictures]
    page = browser.new_page()
    page.set_content("".join(map(shown, pictures)))
    sizes = page.evaluate(SIZES)
    page.close()
    assert sizes == [[fact.width, fact.height] for fact in facts]


def shown(data):
    media_type = inspect_image(data).media_type
    return f'<img src="data:{media_type};base64,{base64.b64encode(browser_file(data)).decode()}">'
