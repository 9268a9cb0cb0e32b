"""Whose money it is: the AWS identity behind the credentials that boto3 finds."""

from __future__ import annotations

from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from jobs.providers import _turk_errors as turk
from jobs.providers._turk_session import make_client

ENDPOINT = "https://sts.us-east-1.amazonaws.com"


def open_identity_client() -> Any:
    """A client of AWS's Security Token Service, which tells who calls; it changes nothing there."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=10,
        region_name="us-east-1",
        user_agent_extra="hitworks",
    )
    return make_client("sts", config=config, endpoint_url=ENDPOINT)


def caller(client: Any) -> tuple[str, str]:
    """The AWS account's number, and the ARN of the user or role.

    Raises:
        ProviderError: when the credentials are refused or missing, or AWS does not answer.

    """
    try:
        reply = client.get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise turk.translate(error, "get_caller_identity") from error
    return str(reply.get("Account", "")), str(reply.get("Arn", ""))
