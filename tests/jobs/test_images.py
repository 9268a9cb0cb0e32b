import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from jobs.errors import InvalidInput
from jobs.images import (
    LARGEST_BYTES,
    bare_copy,
    browser_file,
    cut_tile,
    inspect_image,
    open_upright,
    thumbnail,
)
from tests.jobs.pictures import bomb, picture

FORMS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


@pytest.mark.parametrize("form", FORMS)
def test_facts_come_from_the_bytes(form):
    facts = inspect_image(picture(form=form))
    assert (facts.width, facts.height, facts.media_type) == (40, 20, FORMS[form])
    assert len(facts.sha256) == 64


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_picture(form, orientation):
    data = picture(form=form, orientation=orientation)
    facts = inspect_image(data)
    upright = open_upright(data)
    assert (facts.width, facts.height) == ((20, 40) if orientation >= 5 else (40, 20))
    assert upright.size == (facts.width, facts.height)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_pillow_says_too(form, orientation):
    data = picture(form=form, orientation=orientation)
    theirs = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert open_upright(data).tobytes() == theirs.tobytes()


def test_an_orientation_that_only_xmp_states_turns_nothing_as_in_browsers():
    stream = io.BytesIO()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"></x:xmpmeta>'
    Image.new("RGB", (40, 20)).save(stream, "JPEG", xmp=xmp)
    assert inspect_image(stream.getvalue()).width == 40
    assert open_upright(stream.getvalue()).size == (40, 20)


def test_orientation_six_turns_the_left_half_up():
    upright = open_upright(picture(orientation=6, form="PNG"))
    assert upright.getpixel((10, 5)) == (0, 128, 128)
    assert upright.getpixel((10, 35)) == (255, 255, 255)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_picture_is_refused(form, share):
    noise = Image.effect_noise((200, 200), 80).convert("RGB")
    stream = io.BytesIO()
    noise.save(stream, form)
    data = stream.getvalue()
    with pytest.raises(InvalidInput):
        inspect_image(data[: int(len(data) * share)])


@pytest.mark.parametrize("form", ["BMP", "TIFF", "PPM", "ICO", "EPS", "PDF"])
def test_other_formats_are_refused_whatever_they_are_called(form):
    stream = io.BytesIO()
    Image.new("RGB", (40, 20)).save(stream, form)
    with pytest.raises(InvalidInput, match="expected a JPEG, PNG, WebP or GIF"):
        inspect_image(stream.getvalue())


@pytest.mark.parametrize(
    "data",
    [
        b"8BPS\0\1" + b"\0" * 6 + b"\0\3\0\0\0\x20\0\0\0\x20\0\x08\0\3" + b"\0" * 4000,  # PSD
        b"\x80\0\0\0\x11\xaf\1\0\x20\0\x20\0\x08\0\3\0" + b"\0" * 4000,  # FLI
        b"BLP2\1\0\0\0\1\x08\0\0\x20\0\0\0\x20\0\0\0" + b"\0" * 4000,  # BLP
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
        b"SIMPLE  =                    T" + b" " * 2850,  # FITS
    ],
    ids=["psd", "fli", "blp", "eps", "fits"],
)
def test_decoders_that_nobody_needs_are_never_reached(data):
    with pytest.raises(InvalidInput, match="expected a JPEG, PNG, WebP or GIF"):
        inspect_image(data)


@pytest.mark.parametrize("data", [b"", b"\xff", b"<svg/>", b"GIF89a", b"\x89PNG\r\n\x1a\n"])
def test_bytes_that_are_no_picture_are_refused(data):
    with pytest.raises(InvalidInput):
        inspect_image(data)


@pytest.mark.parametrize("side", [10_001, 14_000, 100_000, 2**31 - 1])
def test_a_bomb_is_refused_before_it_is_decoded(side):
    with pytest.raises(InvalidInput):
        inspect_image(bomb(side, side))


def test_a_file_too_large_is_refused():
    with pytest.raises(InvalidInput, match="at most"):
        inspect_image(b"\0" * (LARGEST_BYTES + 1))


def test_an_animation_counts_as_its_first_frame():
    frames = [Image.new("P", (30, 10), number) for number in range(3)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    assert inspect_image(stream.getvalue()).width == 30
    assert open_upright(stream.getvalue()).size == (30, 10)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "I;16", "1"])
def test_odd_pixel_modes_are_read(mode):
    stream = io.BytesIO()
    Image.new(mode, (40, 20)).save(stream, "PNG")
    assert inspect_image(stream.getvalue()).width == 40
    assert open_upright(stream.getvalue()).mode == "RGB"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_file_for_browsers_shows_the_same_picture(form):
    data = picture(form=form, orientation=6)
    kept = browser_file(data)
    assert inspect_image(kept).width == inspect_image(data).width == 20
    assert open_upright(kept).tobytes() == open_upright(data).tobytes()
    assert (kept == data) == (form == "JPEG")
    assert browser_file(kept) == kept == browser_file(data)


def test_a_tile_holds_the_upright_pixels_and_repeats_byte_for_byte():
    data = picture(200, 100, form="PNG", orientation=6)
    piece, media_type = cut_tile(data, (0, 0, 100, 64))
    assert (piece, media_type) == cut_tile(data, (0, 0, 100, 64))
    assert media_type == "image/png"
    assert Image.open(io.BytesIO(piece)).size == (100, 64)
    assert Image.open(io.BytesIO(piece)).getpixel((50, 10)) == (0, 128, 128)
    assert cut_tile(picture(200, 100), (100, 0, 200, 100))[1] == "image/jpeg"


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_thumbnail_is_upright_and_small(orientation):
    data = picture(1600, 800, orientation=orientation)
    small = Image.open(io.BytesIO(thumbnail(data, 160)))
    assert small.format == "JPEG"
    assert small.size == ((160, 80) if orientation == 1 else (160, 320))


@settings(max_examples=300, deadline=None)
@given(
    form=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]),
    orientation=st.sampled_from([1, 6]),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12),
    keep=st.integers(0, 10_000),
)
def test_mutated_pictures_give_facts_or_a_reason(form, orientation, changes, keep):
    data = bytearray(picture(form=form, orientation=orientation if form != "GIF" else 1))
    for place, value in changes:
        data[place % len(data)] = value
    try:
        facts = inspect_image(bytes(data[: keep or len(data)]))
        open_upright(bytes(data[: keep or len(data)]))
    except InvalidInput:
        return
    assert facts.width > 0


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_bare_copy_is_upright_small_and_holds_nothing_but_pixels(form):
    data = picture(600, 300, form=form, orientation=6) + b"<script>GPS</script>"
    copy, media_type = bare_copy(data, 200)
    facts = inspect_image(copy)
    assert (facts.width, facts.height, facts.is_turned) == (100, 200, False)
    assert media_type == facts.media_type == f"image/{form.lower()}"
    assert b"script" not in copy
    assert b"Exif" not in copy
