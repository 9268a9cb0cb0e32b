"""boto3's sessions: each client has one of its own, but the files they read are read once.

A client's credentials may change, and a session is no thing to share between threads; the
descriptions of Amazon's APIs that come with botocore never change, and reading them anew
takes longer than ten calls.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.loaders import JSONFileLoader


class _ReadOnce(JSONFileLoader):
    """Keeps what it has read; whoever asks takes it as it is."""

    @cache  # noqa: B019 - there is one, for as long as the process lives
    def load_file(self, file_path: str) -> Any:
        return super().load_file(file_path)


_FILES = _ReadOnce()


def open_session() -> boto3.session.Session:
    """A session with the credentials that boto3 finds now."""
    core = botocore.session.Session()
    core.get_component("data_loader").file_loader = _FILES
    return boto3.session.Session(botocore_session=core)
