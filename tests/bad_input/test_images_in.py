"""Images and known answers that cannot be taken in: a reason, and no dataset of nothing."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.bad_input.doors import House


def truncated() -> bytes:
    whole = io.BytesIO()
    Image.effect_noise((200, 200), 50).save(whole, "JPEG")
    return whole.getvalue()[: len(whole.getvalue()) // 2]


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 2.5 thousand million pixels."""
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 9999)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("cut.jpg", truncated, "row 1 cut.jpg: image: damaged or truncated"),
        ("bomb.png", bomb, "row 1 bomb.png: image: expected at most 100,000,000 pixels"),
        ("words.jpg", lambda: b"hello", "expected a JPEG, PNG, WebP or GIF, got something else"),
        ("empty.jpg", lambda: b"", "expected a JPEG, PNG, WebP or GIF, got something else"),
        (
            "list.csv",
            lambda: b"path\n../pictures/0.png\n/etc/passwd\n",
            "row 2 ../pictures/0.png: path: expected one inside the import's folder",
        ),
        ("list.jsonl", lambda: b'{"path": "../../x.png"}\n', "inside the import's folder"),
        ("list.csv", lambda: b"", "list.csv: expected a header line"),
        ("list.csv", lambda: b"path\n", "expected images, found no rows"),
        ("list.csv", lambda: b"colour,taste\n1,2\n", "expected either a path or a uri column"),
        ("list.csv", lambda: b"\xff\xfe\0path", "list.csv: expected UTF-8 text"),
        ("list.jsonl", lambda: b'{"path": NaN}\n', "expected images, could take in none"),
        ("set.json", lambda: b"{", "set.json: expected JSON"),
        (
            "set.json",
            lambda: (
                b'{"images": [{"id": 1, "file_name": "../0.png", "width": 1, "height": 1}], '
                b'"annotations": [], "categories": []}'
            ),
            "row 1 ../0.png: path: expected one inside the import's folder, got '../0.png'",
        ),
    ],
)
def test_what_is_no_image_is_refused_alike_by_command_and_import(
    house: House, name: str, content: Callable[[], bytes], told: str
) -> None:
    data = content()
    house.write(f"in/{name}", data)
    source = f"in/{name}" if name.startswith(("list", "set")) else "in"
    assert told in house.by_command("dataset", "import", source, "--name", "new")
    form: dict[str, Any] = {"name": "new", "files": (io.BytesIO(data), name)}
    assert told in house.by_import(form)


def test_bad_images_among_good_ones_are_refused_and_counted(house: House) -> None:
    house.write("pictures/cut.jpg", truncated())
    house.write("pictures/bomb.png", bomb())
    report = house.told("dataset", "import", "pictures", "--name", "mixed")
    assert (report["n_rows"], report["n_accepted"], report["n_refused"]) == (5, 3, 2)
    assert {one["name"] for one in report["refusals"]} == {"cut.jpg", "bomb.png"}


def test_importing_again_is_no_error_for_all_are_there_already(house: House) -> None:
    report = house.told("dataset", "import", "pictures", "--name", "photos")
    assert (report["n_accepted"], report["n_refused"]) == (0, 3)


def test_an_empty_folder_or_upload_is_refused(house: House) -> None:
    (house.folder / "empty").mkdir()
    told = "empty: expected images, found no rows"
    assert house.by_command("dataset", "import", "empty", "--name", "new") == told
    assert "files: expected a zip archive" in house.by_page("/datasets", {"name": "new"})


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb"])
def test_a_dataset_needs_a_name(house: House, name: str) -> None:
    told = "dataset name: expected 1 to 200 characters"
    assert told in house.by_command("dataset", "import", "pictures", "--name", name)
    picture = (house.folder / "pictures" / "0.png").read_bytes()
    form: dict[str, Any] = {"name": name, "files": (io.BytesIO(picture), "0.png")}
    assert told in house.by_page("/datasets", form)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere",), "nowhere"),
        (("pictures", "--format", "tarot"), "expected one of coco, folder, manifest"),
        (("pictures", "--format", "manifest"), "pictures: expected a file, found a folder"),
        (("pictures", "--format", "coco"), "pictures: expected a file, found a folder"),
        (("schema.json", "--format", "folder"), "schema.json: expected a folder of images"),
        (("pictures", "--licence", "a\nb"), "licence: expected one line"),
    ],
)
def test_an_import_that_cannot_be_read_is_refused(
    house: House, arguments: tuple[str, ...], told: str
) -> None:
    assert told in house.by_command("dataset", "import", *arguments, "--name", "new")


@pytest.mark.parametrize(
    ("text", "changes", "told"),
    [
        ("item,light\n0.png,purple\n", {}, "row 1 0.png: light: unknown option 'purple'"),
        ("item,light\nnope.png,dark\n", {}, "item: the dataset has none called 'nope.png'"),
        ("item,taste\n0.png,sweet\n", {}, "taste"),
        ("", {}, "gold.csv: expected a header line"),
        ("item,light\n0.png,dark\n", {"--name": "nowhere"}, "dataset 'nowhere': no such dataset"),
        ("item,light\n0.png,dark\n", {"--schema": "nope"}, "schema 'nope': no such schema"),
        ("item,light\n0.png,dark\n", {"--format": "tarot"}, "format 'tarot': expected one of"),
        ("item,light\n0.png,dark\n", {"--format": "coco"}, "gold.csv: expected JSON"),
        ("item,light\n0.png,dark\n", {"--format": "voc"}, "expected a zip archive"),
    ],
)
def test_gold_that_says_nothing_usable_is_refused(
    house: House, text: str, changes: dict[str, str], told: str
) -> None:
    options = {"--name": "photos", "--schema": "things", "--format": "csv_tags", **changes}
    flat = [part for pair in options.items() for part in pair]
    assert told in house.by_command("dataset", "gold", house.write("gold.csv", text), *flat)


def test_gold_of_an_unknown_class_is_refused(house: House) -> None:
    gold = (
        '{"images": [{"id": 1, "file_name": "0.png", "width": 64, "height": 48}], "annotations":'
        ' [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 9, 9]}],'
        ' "categories": [{"id": 7, "name": "dragon"}]}'
    )
    arguments = ("--name", "photos", "--schema", "things", "--format", "coco")
    told = house.by_command("dataset", "gold", house.write("gold.json", gold), *arguments)
    assert "dragon" in told
    assert "cat, cup" in told
