"""Two texts side by side: every line of both is there once, and changed pieces are marked."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.authoring.difference import Line, difference

TEXT = "\n".join(f"line {number}" for number in range(1, 21))


def shown(lines: tuple[Line, ...]) -> list[tuple[str, int, int]]:
    return [(one.kind, one.left.number or one.skipped, one.right.number) for one in lines]


def test_equal_texts_have_no_difference() -> None:
    assert difference(TEXT, TEXT) == ()
    assert difference("", "") == ()


def test_a_changed_line_stands_among_three_on_either_side() -> None:
    lines = difference(TEXT, TEXT.replace("line 10", "line ten"))
    assert shown(lines) == [
        ("skipped", 6, 0), ("same", 7, 7), ("same", 8, 8), ("same", 9, 9), ("changed", 10, 10),
        ("same", 11, 11), ("same", 12, 12), ("same", 13, 13), ("skipped", 7, 0),
    ]  # fmt: skip
    changed = lines[4]
    assert changed.left.parts == ((False, "line "), (True, "10"))
    assert changed.right.parts == ((False, "line "), (True, "ten"))


def test_new_and_gone_lines_have_an_empty_place_beside_them() -> None:
    (first, *_) = difference("b", "a\nb")
    assert (first.kind, first.left.number, first.right.number) == ("new", 0, 1)
    (*_, last) = difference("a\nb", "a")
    assert (last.kind, last.left.number, last.right.number) == ("gone", 2, 0)


LINES = st.lists(st.sampled_from(["a", "b", "ab", "", "<p>"]), max_size=30).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(LINES, LINES)
def test_both_texts_can_be_read_off_their_sides(old: str, new: str) -> None:
    lines = difference(old, new)
    if old.splitlines() == new.splitlines():
        assert lines == ()
        return
    for side, text in (("left", old), ("right", new)):
        found = [getattr(one, side) for one in lines if getattr(one, side).number]
        whole = text.splitlines()
        assert all("".join(part for _, part in one.parts) == whole[one.number - 1] for one in found)
        n_skipped = sum(one.skipped for one in lines)
        assert len(found) + n_skipped == len(whole)
