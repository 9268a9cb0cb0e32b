"""Radio buttons, check-boxes, toggles, sliders and instructions by mouse and keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.marketplace.elements.crowd_site import Site, open_hit
from tests.marketplace.elements.test_crowd_form import page_of, submit

pytestmark = pytest.mark.browser

RADIOS = (
    '<crowd-radio-group required aria-label="Colour">'
    '<crowd-radio-button name="color" value="red">red</crowd-radio-button>'
    '<crowd-radio-button name="color" value="green" disabled>green</crowd-radio-button>'
    '<crowd-radio-button name="color" value="blue">blue</crowd-radio-button></crowd-radio-group>'
)


def test_one_radio_button_excludes_the_others(page: Page, site: Site) -> None:
    open_hit(page, site.hit(page_of(RADIOS)))
    page.get_by_role("radio", name="red").click()
    page.get_by_role("radio", name="blue").click()
    submit(page)
    assert site.answer() == {"color": {"red": False, "green": False, "blue": True}}


def test_arrow_keys_move_the_choice_past_what_is_disabled(page: Page, site: Site) -> None:
    open_hit(page, site.hit(page_of(RADIOS)))
    page.get_by_role("radio", name="red").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="blue")).to_be_checked()
    expect(page.get_by_role("radio", name="blue")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="red")).to_be_checked()


def test_a_group_takes_one_tab_stop(page: Page, site: Site) -> None:
    open_hit(page, site.hit(page_of(RADIOS)))
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="red")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Submit")).to_be_focused()


def test_a_required_group_without_a_choice_is_refused(page: Page, site: Site) -> None:
    open_hit(page, site.hit(page_of(RADIOS)))
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Please choose one answer.")).to_be_visible()
    assert site.posts == []


def test_radio_buttons_with_names_of_their_own_still_exclude_each_other(
    page: Page, site: Site
) -> None:
    body = (
        '<crowd-radio-group><crowd-radio-button name="yes" value="chosen">Yes</crowd-radio-button>'
        '<crowd-radio-button name="no" value="chosen">No</crowd-radio-button></crowd-radio-group>'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_role("radio", name="Yes").click()
    page.get_by_role("radio", name="No").click()
    submit(page)
    assert site.answer() == {"yes": {"chosen": False}, "no": {"chosen": True}}


def test_an_exclusive_checkbox_clears_the_others_and_the_reverse(page: Page, site: Site) -> None:
    body = (
        '<crowd-checkbox name="m" value="a">a</crowd-checkbox>'
        '<crowd-checkbox name="m" value="b">b</crowd-checkbox>'
        '<crowd-checkbox name="m" value="unsure" exclusive>unsure</crowd-checkbox>'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_role("checkbox", name="a").click()
    page.get_by_role("checkbox", name="unsure").press("Space")
    expect(page.get_by_role("checkbox", name="a")).not_to_be_checked()
    page.get_by_role("checkbox", name="b").click()
    submit(page)
    assert site.answer() == {"m": {"a": False, "b": True, "unsure": False}}


def test_toggle_and_slider_have_their_documented_shapes(page: Page, site: Site) -> None:
    body = (
        '<crowd-toggle-button name="lit">Lit</crowd-toggle-button>'
        '<crowd-slider name="n" min="0" max="10" step="2" aria-label="n"></crowd-slider>'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_role("switch", name="Lit").click()
    page.get_by_role("slider", name="n").press("ArrowRight")
    submit(page)
    assert site.answer() == {"lit": {"on": True}, "n": 2}


def test_an_unset_slider_is_no_answer_until_it_is_touched(page: Page, site: Site) -> None:
    body = (
        '<crowd-slider name="n" min="1" max="5" unset required'
        ' unsure-field="n-unsure" aria-label="n"></crowd-slider>'
        '<crowd-checkbox name="n-unsure" value="unsure">unsure</crowd-checkbox>'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Please set the slider.")).to_be_visible()
    page.get_by_role("checkbox", name="unsure").click()
    submit(page)
    assert site.answer() == {"n-unsure": {"unsure": True}}


def test_a_click_where_the_slider_stands_counts_as_an_answer(page: Page, site: Site) -> None:
    open_hit(
        page,
        site.hit(
            page_of('<crowd-slider name="n" min="1" max="5" unset aria-label="n"></crowd-slider>')
        ),
    )
    page.get_by_role("slider", name="n").click()
    submit(page)
    assert site.answer() == {"n": 3}


def test_instructions_open_close_and_stay_hidden_before(page: Page, site: Site) -> None:
    body = (
        '<crowd-instructions link-text="How to" link-type="button">'
        "<short-summary>In short</short-summary>"
        "<detailed-instructions>At length</detailed-instructions>"
        "<positive-example>Do</positive-example>"
        "<negative-example>Don't</negative-example></crowd-instructions>"
    )
    open_hit(page, site.hit(page_of(body)))
    expect(page.get_by_text("At length")).to_be_hidden()
    page.get_by_role("button", name="How to").click()
    expect(page.get_by_text("At length")).to_be_visible()
    expect(page.get_by_role("heading", name="Good example")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("At length")).to_be_hidden()


def test_a_text_pattern_is_checked_with_its_own_message(page: Page, site: Site) -> None:
    body = (
        '<crowd-input name="zip" label="Zip" allowed-pattern="[0-9]{5}" required'
        ' error-message="Five digits, please"></crowd-input>'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_label("Zip").fill("12a")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Five digits, please")).to_be_visible()
    assert site.posts == []


def test_characters_that_are_not_allowed_are_not_taken_as_one_types(page: Page, site: Site) -> None:
    body = (
        '<crowd-input name="word" label="Word" auto-validate allowed-pattern="[a-z]"></crowd-input>'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_label("Word").press_sequentially("C4t s!")
    expect(page.get_by_label("Word")).to_have_value("ts")
    submit(page)
    assert site.answer() == {"word": "ts"}


def test_ticks_answer_under_their_value_and_are_named_by_their_field(
    page: Page, site: Site
) -> None:
    body = (
        '<crowd-toggle-button name="plain"></crowd-toggle-button>'
        '<crowd-toggle-button name="valued" value="someValue" invalid></crowd-toggle-button>'
        '<crowd-toggle-button name="shut" disabled></crowd-toggle-button>'
        '<crowd-checkbox name="birds" checked="true" required></crowd-checkbox>'
    )
    open_hit(page, site.hit(page_of(body)))
    page.get_by_role("switch", name="valued").click()
    page.get_by_role("switch", name="shut").click(force=True)
    expect(page.get_by_role("checkbox", name="birds")).to_be_checked()
    submit(page)
    assert site.answer() == {
        "plain": {"on": False}, "valued": {"someValue": True}, "shut": {"on": False},
        "birds": {"on": True},
    }  # fmt: skip


def test_a_button_without_an_action_sends_nothing_and_takes_no_submit_button_s_place(
    page: Page, site: Site
) -> None:
    body = '<crowd-button><iron-icon icon="question-answer"></iron-icon></crowd-button>'
    open_hit(page, site.hit(page_of(body + "<input name='a' value='b' aria-label='a'>")))
    page.get_by_role("button", name="question answer").click()
    assert site.posts == []
    submit(page)
    assert site.answer() == {"a": "b"}
