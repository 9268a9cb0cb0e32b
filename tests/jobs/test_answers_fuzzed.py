"""Thousands of hostile answers, on both databases: every byte kept, every one read or refused.

Run scripts/fuzz_answers.py for more of them; docs/reliability.md states the figures.
"""

from __future__ import annotations

import os

from tests.jobs.answer_fuzz import fuzz
from tests.jobs.hostile_answers import n_crossed, submissions

CODES = {
    "bad_number", "contradiction", "entities", "given_twice", "no_area", "no_boxes", "no_choice",
    "not_a_box", "not_json", "not_one_choice", "not_xml", "other_image", "other_task",
    "outside_image", "rotated_box", "too_deep", "too_large", "too_many", "unknown_key",
    "unknown_label",
}  # fmt: skip
N_DRAWN = int(os.environ.get("HITWORKS_TEST_FUZZED_ANSWERS", "500"))


def test_every_hostile_value_at_every_field_is_kept_and_read_or_refused(sessions, tmp_path):
    n = n_crossed() + N_DRAWN
    found = fuzz(sessions, tmp_path, submissions(n, seed=1))
    assert found.troubles == []
    assert found.n_sent == found.n_kept == found.n_parsed + found.n_unparsed == 2 * n
    assert set(found.reasons) == CODES
    assert min(found.n_parsed, found.n_unparsed) > n / 50


def test_a_seed_gives_the_same_answers_again():
    n = n_crossed() + 50
    assert list(submissions(n, seed=7)) == list(submissions(n, seed=7))
    assert list(submissions(n, seed=7))[-50:] != list(submissions(n, seed=8))[-50:]
