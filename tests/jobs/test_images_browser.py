"""Workers draw on what a browser shows: its size must be the size that we store."""

import base64
import json
import os
import re
import shutil
import subprocess

import pytest

from jobs.images import browser_file, inspect_image
from tests.jobs.pictures import picture

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--virtual-time-budget=10000",
    "--dump-dom",
]
PAGE = """<!DOCTYPE html><title>sizes</title><body>%s
<script>
  const images = [...document.images];
  Promise.all(images.map((image) => image.decode())).then(() => {
    const sizes = images.map((image) => [image.naturalWidth, image.naturalHeight]);
    document.body.innerHTML = "sizes=" + JSON.stringify(sizes) + ";";
  });
</script>
"""


def test_a_browser_shows_every_orientation_at_the_size_we_store(tmp_path):
    pictures = [
        picture(form=form, orientation=orientation)
        for form in ("JPEG", "PNG", "WEBP")
        for orientation in range(1, 9)
    ]
    facts = [inspect_image(data) for data in pictures]
    page = tmp_path / "page.html"
    page.write_text(PAGE % "".join(map(shown, pictures)))
    done = subprocess.run(
        [CHROMIUM, *ARGUMENTS, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    sizes = json.loads(re.search(r"sizes=(.*);", done.stdout)[1])
    assert sizes == [[fact.width, fact.height] for fact in facts]


def shown(data):
    media_type = inspect_image(data).media_type
    return f'<img src="data:{media_type};base64,{base64.b64encode(browser_file(data)).decode()}">'
