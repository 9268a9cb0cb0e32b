"""Pages of a list: every page with something on it carries a token, the end is an empty page."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, SQLColumnExpression, tuple_

from webapp.marketplace.operations.call import Call, Members
from webapp.marketplace.refusals import bad_value

Row = TypeVar("Row")


def page(
    call: Call,
    args: Members,
    query: Select[Row],
    order: Sequence[SQLColumnExpression[int]],
    position_of: Callable[[Row], Sequence[int]],
    *,
    newest_first: bool = False,
) -> tuple[list[Row], Members]:
    """Rows after the caller's token, and the NextToken and NumResults members of the answer.

    ``order`` are integer columns that together name a row; ``position_of`` gives their values.

    Raises:
        Refusal: a token that is not one of this operation, account and filter.

    """
    after = _opened(call, args)
    if after is not None:
        position = tuple_(*order)
        query = query.where(position < tuple(after) if newest_first else position > tuple(after))
    directed = [column.desc() if newest_first else column.asc() for column in order]
    size = args.get("MaxResults", call.options.page_size)
    rows = list(call.session.scalars(query.order_by(*directed).limit(size)))
    members: Members = {"NumResults": len(rows)}
    if rows:
        members["NextToken"] = _sealed(call, args, list(position_of(rows[-1])))
    return rows, members


def _sealed(call: Call, args: Members, position: list[int]) -> str:
    body = json.dumps(position, separators=(",", ":"))
    text = f"{_tag(call, args, body)}{body}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _opened(call: Call, args: Members) -> list[int] | None:
    token = args.get("NextToken")
    if token is None:
        return None
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise bad_value("NextToken", token) from error
    tag, body = text[:16], text[16:]
    if not hmac.compare_digest(tag.encode(), _tag(call, args, body).encode()):
        raise bad_value("NextToken", token)
    position: Any = json.loads(body)
    return [int(part) for part in position]


def _tag(call: Call, args: Members, body: str) -> str:
    filters = {name: args[name] for name in sorted(args) if name not in ("NextToken", "MaxResults")}
    return call.market.seal(
        "page", str(call.requester.id), call.operation, json.dumps(filters), body
    )[:16]
