import stat
import urllib.request

import boto3
import pytest
from moto.server import ThreadedMotoServer

from jobs.blobs import media_type_of, open_blobs, open_s3, parse_s3_uri
from jobs.errors import InvalidInput, NotFound, ProviderError
from jobs.intake.datasets import import_dataset
from jobs.intake.sources import rows_of_s3
from jobs.settings import Settings
from tests.factories import NOW
from tests.jobs.pictures import picture

BAD_KEYS = [
    "../media.key",
    "/etc/passwd",
    "ab/../../media.key",
    "ab/" + "a" * 64 + ".html",
    "AB/" + "a" * 64 + ".jpg",
    "ab/" + "a" * 64 + ".jpg\0",
    "ab/" + "a" * 64 + ".jpg\n",
    "",
    "é",
]


@pytest.fixture
def local(tmp_path):
    return open_blobs(Settings(data_dir=tmp_path))


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    urllib.request.urlopen(
        urllib.request.Request(f"{s3_server}/moto-api/reset", method="POST")
    ).close()
    client = boto3.client("s3", endpoint_url=s3_server)
    client.create_bucket(Bucket="photos")
    yield (
        client,
        Settings(data_dir=tmp_path, blob_url="s3://photos/blobs", s3_endpoint_url=s3_server),
    )
    client.close()


def test_the_same_bytes_have_the_same_key(local):
    key = local.put(picture(), "image/jpeg")
    assert local.put(picture(), "image/jpeg") == key
    assert local.read(key) == picture()
    assert media_type_of(key) == "image/jpeg"


def test_a_store_leaves_no_half_written_file(local, tmp_path):
    local.put(picture(), "image/jpeg")
    assert [path.name for path in tmp_path.rglob(".*")] == []


@pytest.mark.parametrize("key", BAD_KEYS)
def test_only_keys_of_our_own_making_are_read(local, key):
    with pytest.raises(NotFound):
        local.read(key)
    with pytest.raises(NotFound):
        local.thumbnail(key, 160)
    assert not local.verify("0" * 40, key)


def test_an_unknown_media_type_is_refused(local):
    with pytest.raises(InvalidInput):
        local.put(b"<html>", "text/html")


def test_a_missing_image_is_not_found(local):
    with pytest.raises(NotFound):
        local.read("ab/" + "ab" * 32 + ".jpg")


def test_only_a_signed_address_is_verified(local, tmp_path):
    first, second = local.put(picture(), "image/jpeg"), local.put(picture(80), "image/jpeg")
    address = local.url(first)
    assert address.startswith("http://127.0.0.1:5080/media/")
    signature, key = address.split("/media/")[1].split("/", 1)
    assert key == first
    assert local.verify(signature, first)
    assert not local.verify(signature, second)
    assert not local.verify(signature[:-1], first)
    assert not local.verify("é" * 40, first)
    assert open_blobs(Settings(data_dir=tmp_path)).verify(signature, first)
    assert not open_blobs(Settings(data_dir=tmp_path / "other")).verify(signature, first)


def test_the_secret_is_readable_by_its_owner_only(local, tmp_path):
    assert stat.S_IMODE((tmp_path / "media.key").stat().st_mode) == 0o600
    assert len((tmp_path / "media.key").read_bytes()) == 32


def test_a_thumbnail_is_made_once(local, tmp_path):
    key = local.put(picture(2000, 1000), "image/jpeg")
    small = local.thumbnail(key, 150)
    (tmp_path / "blobs" / key).unlink()
    assert local.thumbnail(key, 160) == small
    assert local.thumbnail(key, 1) == small


@pytest.mark.parametrize(
    "uri",
    [
        "http://photos/x",
        "s3://",
        "s3://photos",
        "s3://photos/",
        "s3:///x",
        "s3://../x",
        "file:///x",
        "s3://a b/x",
        "s3://photos/x\n",
        f"s3://photos/{'k' * 1025}",
        "S3://photos/x",
        "photos/x",
    ],
)
def test_only_plain_s3_addresses_are_fetched(uri):
    with pytest.raises(InvalidInput):
        parse_s3_uri(uri)


def test_an_s3_key_may_look_like_a_path_for_it_never_becomes_one():
    assert parse_s3_uri("s3://photos/../../etc/passwd") == ("photos", "../../etc/passwd")


@pytest.mark.parametrize("url", ["http://x/y", "s3://", "s3://bucket?x=1", "folder"])
def test_a_blob_url_is_a_bucket_or_nothing(tmp_path, url):
    with pytest.raises(InvalidInput, match="HITWORKS_BLOB_URL"):
        open_blobs(Settings(data_dir=tmp_path, blob_url=url))


def test_s3_holds_what_a_browser_loads(s3):
    client, settings = s3
    blobs = open_blobs(settings)
    key = blobs.put(picture(), "image/jpeg")
    assert blobs.put(picture(), "image/jpeg") == key
    assert blobs.read(key) == picture()
    assert client.head_object(Bucket="photos", Key=f"blobs/{key}")["ContentType"] == "image/jpeg"
    with urllib.request.urlopen(blobs.url(key)) as reply:
        assert reply.read() == picture()
    assert not blobs.verify("x", key)
    assert blobs.thumbnail(key, 160) == blobs.thumbnail(key, 160)


def test_what_s3_lacks_is_not_found(s3):
    blobs = open_blobs(s3[1])
    with pytest.raises(NotFound):
        blobs.read("ab/" + "ab" * 32 + ".jpg")
    with pytest.raises(NotFound):
        blobs.fetch("s3://nowhere-at-all/x.jpg")


def test_an_s3_that_cannot_be_reached_is_a_passing_fault(s3, tmp_path):
    blobs = open_blobs(
        Settings(data_dir=tmp_path, blob_url="s3://photos", s3_endpoint_url="http://127.0.0.1:9")
    )
    with pytest.raises(ProviderError) as caught:
        blobs.put(picture(), "image/jpeg")
    assert not caught.value.permanent


def test_imports_reach_only_the_buckets_allowed(s3, tmp_path):
    client, settings = s3
    client.put_object(Bucket="photos", Key="a.jpg", Body=picture())
    assert open_blobs(settings).fetch("s3://photos/a.jpg") == picture()
    narrow = open_blobs(settings.model_copy(update={"import_buckets": "others, more"}))
    with pytest.raises(InvalidInput, match="allowed"):
        narrow.fetch("s3://photos/a.jpg")


def test_a_manifest_of_s3_addresses_is_imported(s3, tmp_path, session):
    client, settings = s3
    client.put_object(Bucket="photos", Key="in/a.jpg", Body=picture())
    client.put_object(Bucket="photos", Key="in/notes.txt", Body=b"not a picture")
    manifest = tmp_path / "list.csv"
    manifest.write_text(
        "uri,camera\ns3://photos/in/a.jpg,K1\ns3://photos/in/b.jpg,K2\n"
        "s3://photos/in/notes.txt,K3\nhttp://127.0.0.1/x.jpg,K4\n"
    )
    blobs = open_blobs(settings)
    report = import_dataset(
        session, blobs, name="photos", source=manifest, format="manifest", now=NOW
    )
    assert (report.n_rows, report.n_accepted, report.n_refused) == (4, 1, 3)
    reasons = {refusal.row: refusal.reason for refusal in report.refusals}
    assert "no such object" in reasons[3]
    assert "expected a JPEG" in reasons[4]
    assert "s3://bucket/key" in reasons[5]


def test_the_images_below_a_prefix_are_rows_and_other_objects_are_not(s3):
    client, settings = s3
    for key in ("in/a.jpg", "in/deep/b.PNG", "in/notes.txt", "elsewhere/c.jpg"):
        client.put_object(Bucket="photos", Key=key, Body=picture())
    rows = list(rows_of_s3(open_s3(settings), "s3://photos/in/"))
    assert [(row.row, row.name) for row in rows] == [(1, "a.jpg"), (2, "deep/b.PNG")]
    assert rows[1].uri == "s3://photos/in/deep/b.PNG"
    assert len(list(rows_of_s3(open_s3(settings), "s3://photos"))) == 3
    narrow = open_s3(settings.model_copy(update={"import_buckets": "others"}))
    for access, place in ((narrow, "s3://photos/in/"), (open_s3(settings), "s3://UPPER/")):
        with pytest.raises(InvalidInput):
            list(rows_of_s3(access, place))
    with pytest.raises(NotFound):
        list(rows_of_s3(open_s3(settings), "s3://nowhere-at-all/in/"))
