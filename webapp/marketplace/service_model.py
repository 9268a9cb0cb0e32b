"""The service as botocore's own model describes it: the one list of operations and shapes."""

from __future__ import annotations

from functools import cache

import botocore.session
from botocore.model import OperationModel, ServiceModel

TARGET_PREFIX = "MTurkRequesterServiceV20170117"


@cache
def service_model() -> ServiceModel:
    """The model of the 2017-01-17 API."""
    return botocore.session.get_session().get_service_model("mturk", api_version="2017-01-17")


def operation_names() -> frozenset[str]:
    """Names of the 39 operations."""
    return frozenset(service_model().operation_names)


@cache
def operation(name: str) -> OperationModel:
    """The model of one operation."""
    return service_model().operation_model(name)
