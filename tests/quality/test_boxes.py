import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.boxes import box_f1, iou_matrix, match, stitch

corner = st.floats(0, 500, allow_nan=False, width=32)
side = st.floats(1, 200, allow_nan=False, width=32)
box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
boxes = st.lists(box, max_size=6)


def test_iou_of_hand_computed_pairs():
    ious = iou_matrix(
        [[0, 0, 10, 10]], [[0, 0, 10, 10], [5, 0, 15, 10], [0, 0, 5, 5], [10, 0, 20, 10]]
    )
    assert ious == pytest.approx(np.array([[1.0, 1 / 3, 0.25, 0.0]]))


def test_disjoint_boxes_have_no_overlap_however_far_apart():
    known = np.array([367.0, 63.0, 367.0 + 152, 63.0 + 140])
    for gap in (1.0, 129.0, 140.0, 150.0, 200.0, 250.0):
        away = known + np.array([152 + gap, 140 + gap, 152 + gap, 140 + gap])
        assert iou_matrix([known], [away])[0, 0] == 0.0


def test_a_box_without_area_overlaps_nothing_not_even_itself():
    assert iou_matrix([[5, 5, 5, 5]], [[5, 5, 5, 5], [0, 0, 10, 10]]).tolist() == [[0.0, 0.0]]


def test_no_boxes_give_an_empty_matrix_and_no_pairs():
    assert iou_matrix([], [[0, 0, 1, 1]]).shape == (0, 1)
    assert [len(part) for part in match([], [[0, 0, 1, 1]])] == [0, 0, 0]


def test_boxes_of_a_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"expected shape \(n, 4\), got \(3,\)"):
        iou_matrix([1, 2, 3], [])


def test_matching_prefers_two_fair_pairs_to_one_perfect_one():
    a = [[0, 0, 10, 10], [2, 0, 12, 10]]
    b = [[2, 0, 12, 10], [4, 0, 14, 10]]
    rows, columns, ious = match(a, b, threshold=0.5)
    assert rows.tolist() == [0, 1]
    assert columns.tolist() == [0, 1]
    assert ious == pytest.approx([8 / 12, 8 / 12])


def test_matching_leaves_out_what_is_under_the_threshold():
    assert len(match([[0, 0, 10, 10]], [[5, 0, 15, 10]], threshold=0.5)[0]) == 0
    assert len(match([[0, 0, 10, 10]], [[5, 0, 15, 10]], threshold=0.3)[0]) == 1
    assert len(match([[0, 0, 1, 1]], [[5, 5, 6, 6]], threshold=0.0)[0]) == 0


def test_f1_counts_matched_boxes_of_the_same_class():
    a, b = [[0, 0, 10, 10], [20, 0, 30, 10]], [[0, 0, 10, 10]]
    assert box_f1(a, b) == pytest.approx(2 / 3)
    assert box_f1(a, b, [0, 1], [0]) == pytest.approx(2 / 3)
    assert box_f1(a, b, [1, 1], [0]) == 0.0


def test_two_empty_answers_agree_and_an_empty_one_agrees_with_no_other():
    assert box_f1([], []) == 1.0
    assert box_f1([], [], [], []) == 1.0
    assert box_f1([], [[0, 0, 1, 1]]) == 0.0


def test_labels_on_one_side_only_are_refused():
    with pytest.raises(ValueError, match="for both sets"):
        box_f1([[0, 0, 1, 1]], [[0, 0, 1, 1]], [0])
    with pytest.raises(ValueError, match="expected lengths"):
        box_f1([[0, 0, 1, 1]], [[0, 0, 1, 1]], [0, 1], [0])


@given(boxes, boxes)
@settings(max_examples=40, deadline=None)
def test_f1_and_iou_are_symmetric_and_within_range(a, b):
    ious = iou_matrix(a, b)
    assert ((ious >= 0) & (ious <= 1 + 1e-12)).all()
    assert ious == pytest.approx(iou_matrix(b, a).T)
    assert 0 <= box_f1(a, b) <= 1
    assert box_f1(a, b) == pytest.approx(box_f1(b, a))
    assert box_f1(a, a) == 1.0


@given(boxes, boxes)
@settings(max_examples=40, deadline=None)
def test_matching_is_one_to_one_and_grows_as_the_threshold_falls(a, b):
    strict, loose = match(a, b, 0.6), match(a, b, 0.2)
    for rows, columns, ious in (strict, loose):
        assert len(set(rows)) == len(rows) == len(set(columns)) == len(ious)
    assert len(loose[0]) >= len(strict[0])


LEFT, RIGHT = [0, 0, 100, 100], [80, 0, 180, 100]


def test_an_object_cut_by_the_seam_becomes_one_whole_box():
    joined = stitch([[60, 20, 100, 60], [80, 21, 130, 60]], [1, 1], [0.6, 0.9], [LEFT, RIGHT], 0.5)
    assert joined.xyxy == pytest.approx(np.array([[60, 20.5, 130, 60]]))
    assert joined.label.tolist() == [1]
    assert joined.score.tolist() == [0.9]
    assert joined.source.tolist() == [0, 0]


def test_an_object_seen_whole_in_the_overlap_is_averaged_not_doubled():
    joined = stitch([[82, 10, 98, 30], [84, 10, 98, 32]], [0, 0], None, [LEFT, RIGHT], 0.5)
    assert joined.xyxy == pytest.approx(np.array([[83, 10, 98, 31]]))
    assert np.isnan(joined.score).all()


def test_boxes_of_one_tile_or_of_two_classes_stay_apart():
    pair = [[60, 20, 100, 60], [60, 21, 100, 60]]
    assert len(stitch(pair, [0, 0], None, [LEFT, LEFT], 0.5).xyxy) == 2
    crossing = [[60, 20, 100, 60], [80, 20, 130, 60]]
    assert len(stitch(crossing, [0, 1], None, [LEFT, RIGHT], 0.5).xyxy) == 2


def test_neighbours_that_differ_in_the_overlap_stay_apart():
    apart = [[60, 10, 100, 30], [80, 60, 130, 90]]
    assert stitch(apart, [0, 0], None, [LEFT, RIGHT], 0.5).source.tolist() == [0, 1]


def test_tiles_that_only_touch_are_compared_along_the_seam():
    right = [100, 0, 200, 100]
    cut = [[60, 20, 100, 60], [100, 22, 140, 60]]
    assert stitch(cut, [0, 0], None, [LEFT, right], 0.5).xyxy == pytest.approx(
        np.array([[60, 21, 140, 60]])
    )
    short = [[60, 20, 90, 60], [100, 22, 140, 60]]
    assert len(stitch(short, [0, 0], None, [LEFT, right], 0.5).xyxy) == 2


def test_stitching_nothing_gives_nothing():
    assert stitch([], [], None, []).xyxy.shape == (0, 4)


def test_stitching_columns_of_different_length_is_refused():
    with pytest.raises(ValueError, match="one length"):
        stitch([[0, 0, 1, 1]], [0, 1], None, [LEFT])
