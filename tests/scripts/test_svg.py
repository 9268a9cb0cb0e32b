"""The charts of the quality pages are well-formed, and the same for the same numbers."""

from defusedxml import ElementTree

from scripts.bench.svg import Axis, Line, chart


def drawn() -> str:
    lines = [Line("a & b", (0, 0.5, 2), (0, 1, 1)), Line("c", (1,), (0.5,), is_joined=False)]
    return chart("x < y", Axis("x", 0, 1, 0.5), Axis("y", 0, 1, 0.5, ("no", "half", "yes")), lines)


def test_a_chart_is_well_formed_and_repeats() -> None:
    root = ElementTree.fromstring(drawn())
    assert root.tag.endswith("svg")
    texts = [node.text for node in root.iter() if node.tag.endswith("text")]
    assert {"x < y", "a & b", "c", "half", "0.5"} <= set(texts)
    assert drawn() == drawn()


def test_points_outside_the_axes_are_left_out() -> None:
    line = next(node for node in ElementTree.fromstring(drawn()).iter() if "polyline" in node.tag)
    assert len(line.attrib["points"].split()) == 2
