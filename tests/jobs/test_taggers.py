from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from jobs.errors import InvalidInput
from jobs.records import Attribute, LabelSchema
from jobs.taggers import load_tagger, names
from jobs.taggers.photometry import blur, brightness, colour_shares, contrast

LIGHT = Attribute("light", "one", "Light", ("dark", "normal", "bright", "unsure"), unsure="unsure")
COLOUR = Attribute("colour", "many", "Colours", ("red", "green", "blue", "gray"))
SHARP = Attribute("is_blurred", "yes_no", "Blurred?", ("yes", "no"))
SCHEMA = LabelSchema("photo", ("cat",), (LIGHT, COLOUR, SHARP))
RULES = {
    "attributes": {
        "light": {"measure": "brightness", "thresholds": [70, 190]},
        "is_blurred": {"measure": "blur", "thresholds": [0.45], "options": ["no", "yes"]},
    }
}
ALL = ("light", "colour", "is_blurred")


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def plain(colour: str | tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> Image.Image:
    return Image.new("RGB", size, colour)


def noise(size: tuple[int, int] = (128, 96)) -> Image.Image:
    pixels = np.random.default_rng(7).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_every_tagger_states_its_version_and_refuses_an_unknown_option() -> None:
    for name in names():
        with pytest.raises(InvalidInput, match="no_such_option"):
            load_tagger(name, {"no_such_option": 1})


def test_an_unknown_tagger_is_refused_with_the_known_names() -> None:
    with pytest.raises(InvalidInput, match="photometry"):
        load_tagger("crystal_ball")


@pytest.mark.parametrize(
    ("shade", "answer"), [((10, 10, 10), "dark"), ((120, 120, 120), "normal"), ("white", "bright")]
)
def test_light_is_cut_into_the_attributes_options(shade: object, answer: str) -> None:
    tagger = load_tagger("photometry", RULES)
    value = tagger.tag(encoded(plain(shade)), "tags", SCHEMA, ("light",))
    assert value == {"tags": {"light": answer}}


def test_all_attributes_asked_are_answered_and_twice_alike() -> None:
    tagger = load_tagger("photometry", RULES)
    picture = encoded(noise())
    value = tagger.tag(picture, "tags", SCHEMA, ALL)
    assert set(value["tags"]) == set(ALL)
    assert value == tagger.tag(picture, "tags", SCHEMA, ALL)


def test_a_colour_counts_where_many_may_be_chosen_from_a_fifth_of_the_picture() -> None:
    picture = plain("red", (100, 100))
    ImageDraw.Draw(picture).rectangle((0, 0, 100, 29), fill="blue")
    ImageDraw.Draw(picture).rectangle((0, 90, 100, 100), fill="green")
    value = load_tagger("photometry", RULES).tag(encoded(picture), "tags", SCHEMA, ("colour",))
    assert value["tags"]["colour"] == ["red", "blue"]


def test_the_shares_of_colours_sum_to_one() -> None:
    assert sum(colour_shares(noise()).values()) == pytest.approx(1.0)


def test_measures_of_hand_made_pictures() -> None:
    halves = plain("black", (100, 100))
    ImageDraw.Draw(halves).rectangle((50, 0, 100, 100), fill="white")
    assert brightness(halves) == pytest.approx(127.5)
    assert contrast(halves) == pytest.approx(127.5)
    assert brightness(plain("black")) == 0
    assert contrast(plain("white")) == 0
    assert blur(plain("white")) == 1.0


def test_a_softer_picture_measures_as_more_blurred() -> None:
    blurs = [blur(noise().filter(ImageFilter.GaussianBlur(radius))) for radius in (0, 1, 2, 4)]
    assert blurs == sorted(blurs)
    assert blurs[0] < 0.2 < 0.4 < blurs[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs a rule"),
        ({"attributes": {"light": {"measure": "brightness", "thresholds": [9]}}}, "ranges"),
        ({"attributes": {"light": {"measure": "brightness", "thresholds": [9, 3]}}}, "rising"),
        ({"attributes": {"light": {"measure": "taste"}}}, "measure"),
        ({"attributes": {"light": {"measure": "blur", "options": ["dark", "dim", "lit"]}}}, "dim"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_before_any_picture(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_tagger("photometry", options).check("tags", SCHEMA, ("light",))


def test_a_tagger_of_tags_refuses_boxes_and_unknown_attributes() -> None:
    tagger = load_tagger("photometry", RULES)
    with pytest.raises(InvalidInput, match="not boxes"):
        tagger.check("boxes", SCHEMA, ())
    with pytest.raises(InvalidInput, match="no_such"):
        tagger.check("tags", SCHEMA, ("no_such",))


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(InvalidInput):
        load_tagger("photometry", RULES).tag(b"GIF89a but not", "tags", SCHEMA, ("light",))


def test_pictures_are_looked_at_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    schema = LabelSchema("s", (), (Attribute("resolution", "scale", "Size", ("1", "2", "3")),))
    options = {"attributes": {"resolution": {"measure": "resolution", "thresholds": [10, 30]}}}
    turned = encoded(plain("red", (40, 20)), "JPEG", exif=exif)
    value = load_tagger("photometry", options).tag(turned, "tags", schema, ("resolution",))
    assert value == {"tags": {"resolution": "2"}}
