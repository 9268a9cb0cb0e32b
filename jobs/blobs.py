"""Where image bytes lie: a local folder or S3. A key is derived from the bytes' sha256."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jobs import images
from jobs.errors import InvalidInput, NotFound, ProviderError
from jobs.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

THUMBNAIL_WIDTHS = (160, 320, 640, 1280)

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{64}\.(jpg|png|webp|gif)", re.ASCII)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
# The longest life that Amazon's signature allows.
_PRESIGNED_SECONDS = 7 * 24 * 3600
_MISSING = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")


class Blobs(Protocol):
    """A store of image bytes."""

    def put(self, data: bytes, media_type: str) -> str:
        """The key of ``data``; the same bytes put twice have the same key."""

    def read(self, key: str) -> bytes:
        """The bytes of ``key``; NotFound when there are none."""

    def url(self, key: str) -> str:
        """The address from which a worker's browser loads the image."""

    def verify(self, signature: str, key: str) -> bool:
        """Was ``/media/<signature>/<key>`` made by ``url``? Always False on S3."""

    def thumbnail(self, key: str, width: int) -> bytes:
        """A JPEG at most ``width`` wide (rounded up to a known width), made once and kept."""

    def fetch(self, uri: str) -> bytes:
        """The bytes of another place's ``s3://bucket/key``; for imports."""


@dataclass(frozen=True)
class S3Access:
    """How S3 is reached. ``buckets`` lists those that imports may name (empty: any)."""

    endpoint_url: str = field(default="", repr=False)
    buckets: tuple[str, ...] = ()

    @cached_property
    def client(self) -> S3Client:
        """A client with the credentials of the environment, made when first needed."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url or None,
            config=Config(signature_version="s3v4", retries={"mode": "standard"}),
        )

    def fetch(self, uri: str) -> bytes:
        """The object's bytes.

        Raises:
            InvalidInput: for no S3 address, a bucket not allowed, or an object too large.
            NotFound: when there is no such object.
            ProviderError: when S3 refuses or fails.

        """
        bucket, key = parse_s3_uri(uri)
        self._check_bucket(bucket, uri)
        return _get(self.client, bucket, key)

    def listing(self, uri: str) -> Iterator[str]:
        """Addresses of the objects whose keys begin as ``uri`` does; raises as ``fetch``."""
        bucket, prefix = parse_s3_prefix(uri)
        self._check_bucket(bucket, uri)
        pages = self.client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                keys = (each["Key"] for each in page.get("Contents", ()))
                yield from (f"s3://{bucket}/{key}" for key in keys if not key.endswith("/"))
        except (ClientError, BotoCoreError) as error:
            raise _translated(error, f"s3://{bucket}/{prefix}") from error

    def _check_bucket(self, bucket: str, uri: str) -> None:
        if self.buckets and bucket not in self.buckets:
            raise InvalidInput(f"{uri!r:.200}: expected a bucket of the allowed list")


@dataclass(frozen=True)
class LocalBlobs:
    """Blobs in a folder of this machine, served by the web app at signed addresses."""

    folder: Path
    thumbnails: Path
    web_url: str
    secret: bytes
    s3: S3Access

    def put(self, data: bytes, media_type: str) -> str:
        key = _key_of(data, media_type)
        path = self.folder / key
        if not path.exists():
            _write_whole(path, data)
        return key

    def read(self, key: str) -> bytes:
        try:
            return (self.folder / _checked(key)).read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"blob {key}: no such image") from error

    def url(self, key: str) -> str:
        return f"{self.web_url}/media/{self._signature(_checked(key))}/{key}"

    def verify(self, signature: str, key: str) -> bool:
        return hmac.compare_digest(
            signature.encode("utf-8", "replace"), self._signature(key).encode()
        )

    def thumbnail(self, key: str, width: int) -> bytes:
        return _thumbnail(self.thumbnails, self.read, key, width)

    def fetch(self, uri: str) -> bytes:
        return self.s3.fetch(uri)

    def keys(self) -> list[str]:
        """The key of every picture in the folder, sorted."""
        found = (f"{path.parent.name}/{path.name}" for path in self.folder.glob("??/*.*"))
        return sorted(key for key in found if is_key(key))

    def _signature(self, key: str) -> str:
        text = key.encode("utf-8", "replace")
        return hmac.new(self.secret, b"media\0" + text, hashlib.sha256).hexdigest()[:40]


@dataclass(frozen=True)
class S3Blobs:
    """Blobs in one bucket, under a prefix; browsers load them at presigned addresses."""

    bucket: str
    prefix: str
    thumbnails: Path
    s3: S3Access

    def put(self, data: bytes, media_type: str) -> str:
        key = _key_of(data, media_type)
        try:
            self.s3.client.put_object(
                Bucket=self.bucket,
                Key=self.prefix + key,
                Body=data,
                ContentType=media_type,
                ContentDisposition="inline",
                CacheControl="private, max-age=31536000, immutable",
            )
        except (ClientError, BotoCoreError) as error:
            raise _translated(error, f"s3://{self.bucket}/{self.prefix}{key}") from error
        return key

    def read(self, key: str) -> bytes:
        return _get(self.s3.client, self.bucket, self.prefix + _checked(key))

    def url(self, key: str) -> str:
        """A presigned address; Amazon lets it live for seven days at most."""
        return self.s3.client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.bucket, "Key": self.prefix + _checked(key)},
            ExpiresIn=_PRESIGNED_SECONDS,
        )

    def verify(self, signature: str, key: str) -> bool:
        return False

    def thumbnail(self, key: str, width: int) -> bytes:
        return _thumbnail(self.thumbnails, self.read, key, width)

    def fetch(self, uri: str) -> bytes:
        return self.s3.fetch(uri)


def open_blobs(settings: Settings) -> Blobs:
    """The store that the settings name.

    Raises:
        InvalidInput: when ``blob_url`` is neither empty nor ``s3://bucket[/prefix]``.

    """
    s3 = open_s3(settings)
    thumbnails = settings.data_dir / "thumbnails"
    if settings.blob_url:
        bucket, prefix = _parse_blob_url(settings.blob_url)
        return S3Blobs(bucket, prefix, thumbnails, s3)
    secret = _installation_secret(signing_key_path(settings))
    return LocalBlobs(settings.data_dir / "blobs", thumbnails, settings.web_url(), secret, s3)


def open_s3(settings: Settings) -> S3Access:
    """S3 as the settings say, for imports."""
    allowed = tuple(name for name in settings.import_buckets.replace(",", " ").split() if name)
    return S3Access(settings.s3_endpoint_url, allowed)


def signing_key_path(settings: Settings) -> Path:
    """Where the key lies that signs the addresses of pictures in the data folder."""
    return settings.data_dir / "media.key"


def media_type_of(key: str) -> str:
    """The media type we decided when ``key`` was put; NotFound when it is no key."""
    suffix = _checked(key).rpartition(".")[2]
    return next(media for media, known in images.SUFFIXES.items() if known == suffix)


def is_key(text: str) -> bool:
    """Whether ``text`` is a name that ``put`` makes."""
    return _KEY.fullmatch(text) is not None


def keys_in(text: str) -> list[str]:
    """Every key that stands in ``text``, such as in the addresses of a page, in its order."""
    return [found.group() for found in _KEY.finditer(text)]


def keep_signing_key(path: Path, secret: bytes) -> None:
    """Make ``secret`` the key of ``LocalBlobs.url``, so that pages posted with it still load."""
    _write_whole(path, secret)
    path.chmod(0o600)


def parse_s3_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``; InvalidInput for any other text."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    clean = key.isprintable() and len(key.encode("utf-8", "replace")) <= 1024
    if scheme != "s3" or not _BUCKET.fullmatch(bucket) or not key or not clean:
        raise InvalidInput(f"expected an address such as s3://bucket/key, got {uri!r:.200}")
    return bucket, key


def parse_s3_prefix(uri: str) -> tuple[str, str]:
    """Bucket and beginning of keys of ``s3://bucket/prefix``; the prefix may be empty."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    clean = prefix.isprintable() and len(prefix.encode("utf-8", "replace")) <= 1024
    if not uri.startswith("s3://") or not _BUCKET.fullmatch(bucket) or not clean:
        raise InvalidInput(f"expected an address such as s3://bucket/folder/, got {uri!r:.200}")
    return bucket, prefix


def _parse_blob_url(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc) or parts.query or parts.fragment:
        raise InvalidInput(f"HITWORKS_BLOB_URL: expected s3://bucket/prefix, got {url!r:.200}")
    prefix = parts.path.strip("/")
    return parts.netloc, f"{prefix}/" if prefix else ""


def _key_of(data: bytes, media_type: str) -> str:
    suffix = images.SUFFIXES.get(media_type)
    if suffix is None:
        raise InvalidInput(f"media type: expected one of {', '.join(images.SUFFIXES)}")
    digest = hashlib.sha256(data).hexdigest()
    return f"{digest[:2]}/{digest}.{suffix}"


def _checked(key: str) -> str:
    """The key itself: only names that ``put`` makes ever reach a path."""
    if not is_key(key):
        raise NotFound(f"blob {key!r:.100}: no such image")
    return key


def _get(client: S3Client, bucket: str, key: str) -> bytes:
    try:
        reply = client.get_object(Bucket=bucket, Key=key)
        if reply["ContentLength"] > images.LARGEST_BYTES:
            reply["Body"].close()
            raise InvalidInput(
                f"s3://{bucket}/{key}: expected at most {images.LARGEST_BYTES:,} bytes"
            )
        return reply["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise _translated(error, f"s3://{bucket}/{key}") from error


def _translated(error: ClientError | BotoCoreError, uri: str) -> NotFound | ProviderError:
    """Our error for S3's, without its text: a body from within must not reach a page."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in _MISSING:
        return NotFound(f"{uri}: no such object")
    name = code or type(error).__name__
    denied = code in ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch")
    return ProviderError(f"{uri}: S3 answered {name}", permanent=denied, code=name)


def _thumbnail(folder: Path, read: Callable[[str], bytes], key: str, width: int) -> bytes:
    known = next((w for w in THUMBNAIL_WIDTHS if w >= width), THUMBNAIL_WIDTHS[-1])
    path = folder / str(known) / f"{_checked(key)}.jpg"
    if not path.exists():
        _write_whole(path, images.thumbnail(read(key), known))
    return path.read_bytes()


def _write_whole(path: Path, data: bytes) -> None:
    """Write beside the target, sync, rename: readers see all of the bytes or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _installation_secret(path: Path) -> bytes:
    """The secret of this installation, made once, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    if not path.exists():
        beside.touch(mode=0o600, exist_ok=False)
        beside.write_bytes(secrets.token_bytes(32))
        try:
            # A link, unlike a rename, never replaces a secret that another process just made.
            path.hardlink_to(beside)
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return path.read_bytes()
