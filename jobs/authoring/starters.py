"""Pages to begin a template of one's own with."""

from __future__ import annotations

from jobs.errors import NotFound
from jobs.pages import hit_page
from jobs.records import PageSource

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
</head>
<body>
<crowd-form>
"""
_END = """</crowd-form>
</body>
</html>
"""
_BOXES = (
    _HEAD
    + """  <crowd-bounding-box name="boxes" src="${image_url}" labels="${classes}"
      header="${title}" nothing-field="nothing">
    <full-instructions header="Instructions">${instructions}</full-instructions>
    <short-instructions>${short_instructions}</short-instructions>
  </crowd-bounding-box>
  <crowd-checkbox name="nothing">There is nothing to box here</crowd-checkbox>
"""
    + _END
)
_TAGS = (
    _HEAD
    + """  <!-- One element for each attribute of your question: here it is called colour. -->
  <crowd-image-classifier name="colour" src="${image_url}" categories="${colour_options}"
      header="${colour_title}">
    <full-instructions header="Instructions">${instructions}</full-instructions>
    <short-instructions>${short_instructions}</short-instructions>
  </crowd-image-classifier>
"""
    + _END
)
_ROWS = (
    _HEAD.replace("${title}", "A question about a row of your data")
    + """  <p>${question}</p>
  <p><img src="${image_url}" alt="The picture in question" width="400"></p>
  <crowd-radio-group>
    <crowd-radio-button name="answer" value="yes">Yes</crowd-radio-button>
    <crowd-radio-button name="answer" value="no">No</crowd-radio-button>
  </crowd-radio-group>
"""
    + _END
)

STARTERS = {
    "box-page": "Boxes on one image, with ${fields}",
    "tag-page": "One choice about one image, with ${fields}",
    "row-page": "A question about a row of your own data",
    "boxes": "A copy of the product's boxes, in Jinja",
    "attribute_tags": "A copy of the product's tags, in Jinja",
}
_TEXTS = {"box-page": _BOXES, "tag-page": _TAGS, "row-page": _ROWS}


def starter(name: str) -> PageSource:
    """The page called ``name`` in ``STARTERS``; NotFound for any other."""
    if name in _TEXTS:
        return PageSource(_TEXTS[name], "fields")
    if name in STARTERS:
        return PageSource(hit_page.template_text(name), "jinja")
    raise NotFound(f"starter {name!r:.60}: expected one of {', '.join(STARTERS)}")
