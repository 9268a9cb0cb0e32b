"""Contract of every label format: what is written can be read, and written again the same."""

import csv
import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from jobs import formats
from jobs.errors import InvalidInput
from jobs.formats import ExportInfo, LabelRecord
from jobs.formats._paths import MemberNames, safe_stem
from jobs.specs.label_schemas import parse_schema

SCHEMA = parse_schema(
    """
name: pets
classes: [cat, "dog & <b>puppy</b>", "=SUM(A1)", "naïve"]
attributes:
  - {name: colour, kind: one, options: [red, "=1+1", "'quoted"]}
  - {name: seen, kind: many, options: [ears, tail, "-1"]}
  - {name: source, kind: yes_no}
""",
    "schema",
)
NAMES = [
    "photo.jpg",
    "Photo.jpg",
    "more/photo.jpg",
    "../../x.jpg",
    "/etc/passwd",
    "CON.jpg",
    "nul",
    "=HYPERLINK(1).jpg",
    "a,b\"c'.jpg",
    "…żółw😀.jpg",
    "..",
    "a" * 300 + ".jpg",
    ".hidden",
    "x.tar.gz",
    "\u202egpj.exe",
    "<b>&amp;.png",
]
WRITERS = formats.names_with("write")


def box(left, top, right, bottom, label="cat", **more):
    return {"label": label, "left": left, "top": top, "right": right, "bottom": bottom, **more}


def record(number, kind, value, **more):
    return LabelRecord(
        **{
            "item": NAMES[number % len(NAMES)],
            "sha256": f"{number:064x}",
            "width": 640,
            "height": 480,
            "licence": ["", "CC0-1.0", "=cmd|'/C calc'!A0"][number % 3],
            "source": ["", "https://example.com/?a=1&b=2"][number % 2],
            "kind": kind,
            "value": value,
            "confidence": 1 / (number + 1),
            "agreement": number / 7 if number % 2 and number < 7 else None,
            "origin": "consensus",
            "provenance": {"voters": [{"worker": "w-1", "weight": 0.5}]} if number else {},
            **more,
        }
    )


def all_records():
    for number in range(len(NAMES)):
        boxes = [box(0, 0, 640, 480, score=0.25), box(1.25, 2.5, 3.01, 99.99, "dog & <b>puppy</b>")]
        yield record(number, "boxes", {"boxes": boxes[: number % 3]})
        tags = {"colour": "=1+1", "seen": ["ears", "-1"], "source": "yes"}
        yield record(number, "tags", {"tags": dict(list(tags.items())[number % 4 :])})
    yield record(90, "tags", {"tags": {"seen": []}})


INFO = ExportInfo("street 2026 <&>", SCHEMA.classes, SCHEMA.attributes)


def written(name, records, info=INFO):
    write, _, kinds = formats.label_writer(name)
    out = io.BytesIO()
    write((each for each in records if each.kind in kinds), out, info)
    return out.getvalue()


def read_back(name, data, folder):
    path = folder / f"labels{formats.label_writer(name)[1]}"
    path.write_bytes(data)
    return formats.label_reader(name)(path)


def again(name, back, info=INFO):
    return written(
        name, back.records, ExportInfo(back.info.name or info.name, info.classes, info.attributes)
    )


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_reads_and_writes_the_same(name, tmp_path):
    first = written(name, all_records())
    back = read_back(name, first, tmp_path)
    assert not [each.problem for each in back.records if each.problem]
    assert again(name, back) == first
    assert written(name, all_records()) == first


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_known_of_a_label_survives(name, tmp_path):
    kinds = formats.label_writer(name)[2]
    expected = [each for each in all_records() if each.kind in kinds]
    back = read_back(name, written(name, expected), tmp_path).records
    held = formats.held_by(name)
    for found, wanted in zip(back, expected, strict=True):
        assert found.origin == wanted.origin
        assert found.confidence == pytest.approx(wanted.confidence, abs=1e-6)
        assert found.agreement == pytest.approx(wanted.agreement, abs=1e-6)
        if "provenance" in held:
            assert found.provenance == wanted.provenance
        assert (found.licence, found.source) == (wanted.licence, wanted.source)


@pytest.mark.parametrize("name", WRITERS)
def test_values_survive_within_a_hundredth_of_a_pixel(name, tmp_path):
    kinds = formats.label_writer(name)[2]
    expected = [each for each in all_records() if each.kind in kinds]
    back = read_back(name, written(name, expected), tmp_path).records
    assert [(each.item, each.kind, each.sha256) for each in back] == [
        (each.item, each.kind, each.sha256) for each in expected
    ]
    for found, wanted in zip(back, expected, strict=True):
        if wanted.kind == "tags":
            assert found.value == wanted.value
            continue
        for one, other in zip(found.value["boxes"], wanted.value["boxes"], strict=True):
            assert one["label"] == other["label"]
            sides = ("left", "top", "right", "bottom")
            assert [one[side] for side in sides] == pytest.approx(
                [other[side] for side in sides], abs=0.01
            )


@pytest.mark.parametrize("name", WRITERS)
def test_no_records_make_a_file_that_reads_as_none(name, tmp_path):
    data = written(name, [])
    if name == "voc":
        with pytest.raises(InvalidInput):
            read_back(name, data, tmp_path)
        return
    assert read_back(name, data, tmp_path).records == ()


@pytest.mark.parametrize("name", WRITERS)
def test_records_are_streamed_one_by_one(name):
    alive = []

    def endless():
        for number in range(2000):
            alive.append(number)
            kind = formats.label_writer(name)[2][0]
            value = {"boxes": [box(1, 2, 3, 4)]} if kind == "boxes" else {"tags": {}}
            yield record(number, kind, value, item=f"{number}.jpg")

    class Slow(io.BytesIO):
        def write(self, data):
            positions.append(len(alive))
            return super().write(data)

    positions = []
    formats.label_writer(name)[0](endless(), Slow(), INFO)
    assert sum(place < 1000 for place in positions) > 5


side = st.floats(0, 1000, allow_nan=False).map(lambda number: round(number, 2))
boxes = st.lists(
    st.tuples(side, side, side, side, st.sampled_from(SCHEMA.classes)).filter(
        lambda b: abs(b[0] - b[2]) >= 0.05 and abs(b[1] - b[3]) >= 0.05
    ),
    max_size=4,
)
words = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cf")), min_size=1, max_size=12
)


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40, deadline=None)
@given(drawn=st.lists(st.tuples(words, boxes, words), max_size=4))
def test_any_labels_read_and_write_the_same(name, drawn, tmp_path_factory):
    kinds = formats.label_writer(name)[2]
    records = []
    for number, (item, sides, word) in enumerate(drawn):
        listed = [
            box(min(a, c), min(b, d), max(a, c), max(b, d), label) for a, b, c, d, label in sides
        ]
        about = {"item": item, "width": 1000, "height": 1000, "licence": word}
        if "boxes" in kinds:
            records.append(record(number, "boxes", {"boxes": listed}, **about))
        if "tags" in kinds:
            records.append(
                record(number, "tags", {"tags": {"colour": word.replace("|", "")}}, **about)
            )
    first = written(name, records)
    if name == "voc" and not records:
        return
    assert again(name, read_back(name, first, tmp_path_factory.mktemp("labels"))) == first


def test_pycocotools_reads_our_coco(tmp_path, capsys):
    path = tmp_path / "labels.json"
    path.write_bytes(written("coco", all_records()))
    coco = COCO(str(path))
    capsys.readouterr()
    assert len(coco.imgs) == len(NAMES) + 1
    assert [each["name"] for each in coco.loadCats(coco.getCatIds())] == list(SCHEMA.classes)
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[3]))
    assert [each["bbox"] for each in annotations] == [[0, 0, 640, 480], [1.25, 2.5, 1.76, 97.49]]
    assert annotations[0]["score"] == 0.25
    assert coco.loadImgs([1])[0]["file_name"] == "photo.jpg"
    for each in annotations:
        assert each["area"] == pytest.approx(each["bbox"][2] * each["bbox"][3], abs=0.01)


def test_a_licence_is_never_invented():
    document = json.loads(written("coco", [record(0, "boxes", {"boxes": []})]))
    assert document["licenses"] == []
    assert "license" not in document["images"][0]


def test_a_spreadsheet_finds_no_formula(tmp_path):
    data = written("csv_spreadsheet", all_records())
    assert data.startswith(b"\xef\xbb\xbf")
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
        for cell in row:
            is_number = cell.replace(".", "", 1).isdigit()
            assert is_number or not cell.lstrip().startswith(("=", "+", "-", "@", "＝"))
    raw = written("csv_tags", all_records()).decode()
    assert "\n=HYPERLINK(1).jpg," in raw


@pytest.mark.parametrize("name", ["voc", "yolo"])
def test_archives_hold_safe_names_and_no_clock(name):
    with zipfile.ZipFile(io.BytesIO(written(name, all_records()))) as archive:
        members = archive.infolist()
    assert len({member.filename.casefold() for member in members}) == len(members)
    for member in members:
        assert member.date_time == (1980, 1, 1, 0, 0, 0)
        assert all(part.isascii() and part[0] not in ".~" for part in member.filename.split("/"))
        assert ".." not in member.filename.split("/")
        assert len(member.filename) < 200


@pytest.mark.parametrize("name", ["voc", "yolo"])
def test_archives_carry_the_images_when_asked(name):
    info = ExportInfo(
        "x", SCHEMA.classes, (), image_of=lambda each: b"image of " + each.item.encode()
    )
    with zipfile.ZipFile(io.BytesIO(written(name, all_records(), info))) as archive:
        folder = {"voc": "JPEGImages", "yolo": "images"}[name]
        found = [each for each in archive.namelist() if each.startswith(f"{folder}/")]
        assert len(found) == len(NAMES)
        assert archive.read(f"{folder}/photo.jpg") == b"image of photo.jpg"
        assert not any(b"root:" in archive.read(each) for each in archive.namelist())


@pytest.mark.parametrize(
    ("item", "stem"),
    [
        ("photo.jpg", "photo"),
        ("a/b/photo.jpg", "a__b__photo"),
        ("../../etc/passwd", "etc__passwd"),
        ("CON.jpg", "_CON"),
        ("aux.tar.gz", "_aux.tar"),
        (".hidden", "hidden"),
        ("żółw.jpg", "w"),
        ("…", "item"),
        ("a" * 300, "a" * 100),
    ],
)
def test_a_stem_is_safe_on_any_system(item, stem):
    assert safe_stem(item) == stem


def test_two_items_never_share_a_stem():
    names = MemberNames()
    same = [record(number, "boxes", {}, item="a.jpg", sha256="0" * 64) for number in range(4)]
    assert len({names.stem_of(each) for each in same}) == 4


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), text)
    return out.getvalue()


VOC = (
    "<annotation><filename>a.jpg</filename>"
    "<size><width>9</width><height>8</height></size>%s</annotation>"
)
OBJECT = "<object><name>cat</name>%s</object>"
CORNERS = "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3.5</xmax><ymax>4</ymax></bndbox>"


def test_a_foreign_voc_archive_is_read(tmp_path):
    back = read_back("voc", zipped(x__Annotations__a_dot_xml=VOC % (OBJECT % CORNERS)), tmp_path)
    (found,) = back.records
    assert (found.item, found.width, found.height) == ("a.jpg", 9, 8)
    assert found.value == {"boxes": [box(1, 2, 3.5, 4)]}
    assert back.info.classes == ("cat",)


@pytest.mark.parametrize(
    "inner",
    [
        OBJECT % "",
        OBJECT % (CORNERS * 2),
        f"<object>{CORNERS}</object>",
        OBJECT % CORNERS.replace("3.5", "NaN"),
        OBJECT % CORNERS.replace("3.5", "3,5"),
        OBJECT % CORNERS.replace("3.5", "1e99"),
        OBJECT % CORNERS.replace("xmax", "xmin"),
    ],
)
def test_a_faulty_voc_object_is_a_problem_of_its_image(tmp_path, inner):
    (found,) = read_back("voc", zipped(Annotations__a_dot_xml=VOC % inner), tmp_path).records
    assert found.problem


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("voc", b"not a zip"),
        ("voc", zipped(readme="x")),
        ("voc", zipped(Annotations__a_dot_xml="<annotation>")),
        ("voc", zipped(Annotations__a_dot_xml='<!DOCTYPE a [<!ENTITY b "c">]>' + VOC % "&b;")),
        (
            "voc",
            zipped(
                Annotations__a_dot_xml='<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
                + VOC % "&b;"
            ),
        ),
        ("voc", zipped(Annotations__a_dot_xml=VOC % (" " * 2_000_000))),
        ("voc", zipped(Annotations__a_dot_xml=b"\xff\xfe")),
        ("yolo", zipped(readme="x")),
        ("yolo", zipped(data_dot_yaml="names: 7")),
        ("yolo", zipped(data_dot_yaml="names: [a]")),
        ("yolo", zipped(data_dot_yaml="names: [a]", items_dot_csv="file\na.jpg\n")),
        ("coco", b"[]"),
        ("coco", b"{}"),
        ("coco", b"\xff"),
        ("coco", b"[" * 100_000),
        ("coco", b'{"images": [], "images": []}'),
        ("coco", b'{"images": [{"id": NaN}]}'),
        ("csv_tags", b""),
        ("csv_tags", b"\xff\xfe"),
    ],
)
def test_a_file_that_is_not_of_the_format_is_refused(tmp_path, name, data):
    with pytest.raises(InvalidInput):
        read_back(name, data, tmp_path)


def test_a_faulty_yolo_line_is_a_problem_of_its_image(tmp_path):
    good = written("yolo", [record(0, "boxes", {"boxes": [box(1, 2, 3, 4)]})])
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    lines = "9 .5 .5 .1 .1\n0 .5 .5 .1\n0 .5 .5 .1 .1 .9\n0 nan .5 .1 .1\nx\n0 ,5 ,5 1 1"
    for line in lines.split("\n"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in {**parts, "labels/photo.txt": line}.items():
                archive.writestr(name, data)
        (found,) = read_back("yolo", out.getvalue(), tmp_path).records
        assert found.problem


def test_a_zip_bomb_is_not_inflated(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Annotations/a.xml", b" " * (65 * 1024 * 1024))
    with pytest.raises(InvalidInput, match="at most"):
        read_back("voc", out.getvalue(), tmp_path)
