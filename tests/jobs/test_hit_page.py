import pytest

from jobs.errors import InvalidInput
from jobs.pages.hit_page import DEFAULT_TEMPLATES, render, template_names
from jobs.pages.page_size import question_bytes
from jobs.records import Box, ImageRef, PageSource, TaskSpec
from jobs.specs.label_schemas import parse_schema

SCHEMA = parse_schema(
    """
name: street
instructions: "Draw <b>tight</b> boxes & nothing else."
classes: [car, "o'clock \\"quoted\\" <script>alert(1)</script>"]
attributes:
  - {name: light, kind: one, options: [day, "</script><img src=x onerror=alert(1)>"]}
  - {name: wet, kind: yes_no, unsure: cannot tell}
  - {name: weather, kind: many, options: [rain, snow]}
  - {name: sharpness, kind: scale, low: 1, high: 5, unsure: cannot tell}
""",
    "schema",
)
NAMES = [attribute.name for attribute in SCHEMA.attributes]
URL = "http://127.0.0.1:5080/media/x/y.jpg?a=1&b=2"


def task(position=0, url=URL, proposals=()):
    return TaskSpec(7, position, ImageRef(1, "k", url, 100, 80, 500, 300), proposals)


def shown(template, **values):
    source = PageSource(template, "jinja") if template and "<" in template else template
    return render("tags", SCHEMA, NAMES, [task()], source, **values)


def test_every_kind_has_its_template():
    assert set(DEFAULT_TEMPLATES.values()) <= set(template_names())
    assert not [name for name in template_names() if name.startswith("_")]


@pytest.mark.parametrize("kind", ["boxes", "tags"])
def test_the_templates_of_the_folder_render_hostile_words_as_words(kind):
    html = render(kind, SCHEMA, NAMES, [task(), task(1)])
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "t0-" in html
    assert "t1-" in html
    assert "y.jpg?a=1&amp;b=2" in html


def test_a_template_sees_plain_values():
    html = shown(
        "<p>{{ schema.name }} {{ attributes[3].low }} {{ tasks[0].position }}"
        " {{ tasks[0].image.width }} {{ schema.classes | length }}"
    )
    assert html == "<p>street 1 0 100 2"


def test_proposals_are_shown_in_the_pixels_of_the_tile():
    boxes = (Box("car", 510, 320, 540, 360), Box("car", 0, 0, 20, 20), Box("car", 590, 0, 900, 310))
    html = render(
        "boxes",
        SCHEMA,
        (),
        [task(proposals=boxes)],
        PageSource("<p>{{ tasks[0].proposals | tojson }}", "jinja"),
    )
    assert html == (
        '<p>[{"height": 40, "label": "car", "left": 10, "top": 20, "width": 30},'
        ' {"height": 10, "label": "car", "left": 90, "top": 0, "width": 10}]'
    )


@pytest.mark.parametrize(
    "template",
    [
        "<p>{{ missing }}",
        "<p>{{ schema.missing }}",
        "<p>{{ tasks[7].image }}",
        "<p>{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "<p>{{ '{0.__class__}'.format(schema) }}",
        "<p>{{ schema | attr('__class__') }}",
        "<p>{{ (['{0.__class__}'] | map('attr', 'format') | list)[0](schema) }}",
        "<p>{{ dict(a=1) }}",
        "<p>{{ range(10) }}",
        "<p>{{ lipsum() }}",
        "<p>{{ cycler.__init__.__globals__ }}",
        "<p>{{ schema.classes.append('x') }}",
        "<p>{{ schema.update({'a': 1}) }}",
        "<p>{% include '/etc/passwd' %}",
        "<p>{% include '../jobs/settings.py' %}",
        "<p>{% include '__init__.py' %}",
        "<p>{% import 'os' as os %}",
        "<p>{{ 1 / 0 }}",
        "<p>{{ 1 + 'a' }}",
        "<p>{% if %}",
        "<p>{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "<p>" + "{{ schema.instructions }}" * 1500,
    ],
)
def test_a_template_that_cannot_be_rendered_is_refused(template):
    with pytest.raises(InvalidInput):
        shown(template)


@pytest.mark.parametrize("name", ["missing", "_head", "../boxes", "boxes.html", "/etc/passwd", ""])
def test_only_names_of_the_folder_are_templates(name):
    if name == "":
        assert shown(name) == shown(None)
        return
    with pytest.raises(InvalidInput, match="expected one of attribute_tags, boxes"):
        shown(name)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "file:///x", "//x/y", "data:image/png,x", ""]
)
def test_an_image_has_a_web_address(url):
    with pytest.raises(InvalidInput, match="http"):
        render("boxes", SCHEMA, (), [task(url=url)])


def test_boxes_are_not_asked_without_classes():
    tags_only = parse_schema("name: x\nattributes: [{name: a, kind: yes_no}]", "f")
    with pytest.raises(InvalidInput, match="no classes"):
        render("boxes", tags_only, (), [task()])


def test_an_attribute_the_schema_lacks_is_not_asked():
    with pytest.raises(InvalidInput, match="no attribute 'colour'"):
        render("tags", SCHEMA, ["colour"], [task()])


def test_the_limit_counts_bytes_with_the_envelope():
    room = 65_535 - question_bytes("<p>")
    assert shown("<p>" + "a" * room)
    with pytest.raises(InvalidInput, match="65,535 bytes"):
        shown("<p>" + "a" * (room + 1))
    with pytest.raises(InvalidInput, match="65,535 bytes"):
        shown("<p>" + "é" * (room // 2 + 1))
    with pytest.raises(InvalidInput, match="65,535 bytes"):
        shown("<p>" + "]]>" * (room // 4))
