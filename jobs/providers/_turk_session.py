"""boto3's clients: each has a session of its own, but the files they read are read once.

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

from jobs.providers._turk_deadline import bounded


class _ReadOnce(JSONFileLoader):
    """Keeps what it has read; whoever asks takes it as it is."""

    @cache  # noqa: B019 - there is one, for as long as the process lives
    def load_file(self, file_path: str) -> Any:
        return super().load_file(file_path)


_FILES = _ReadOnce()


def make_client(service: Any, **arguments: Any) -> Any:
    """boto3's client of ``service``, with the credentials found now; its calls end in time."""
    core = botocore.session.Session()
    core.get_component("data_loader").file_loader = _FILES
    session = boto3.session.Session(botocore_session=core)
    return bounded(session.client(service, **arguments))
