"""UniqueRequestToken: the second use within 24 hours is an error, not a replay."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.marketplace.dial import DAY
from webapp.marketplace.refusals import Refusal, hit_exists, token_used
from webapp.marketplace.tables.traffic import RequestToken

_MAKERS = ("CreateHIT", "CreateHITWithHITType")


def claim(
    session: Session, requester_id: int, operation: str, token: str | None, now: int,
    *, made: str = "",
) -> RequestToken | None:  # fmt: skip
    """The token's row, to be told what was made; None where no token was given.

    It is kept only if the transaction is, so a call that failed may use it again.

    Raises:
        Refusal: HitAlreadyExists with the HITId, or that the token has been processed.

    """
    if token is None:
        return None
    where = (
        RequestToken.requester_id == requester_id,
        RequestToken.operation == operation,
        RequestToken.token == token,
    )
    session.execute(delete(RequestToken).where(*where, RequestToken.used_at <= now - DAY))
    row = RequestToken(
        requester_id=requester_id, operation=operation, token=token, made=made, used_at=now
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        used = session.scalars(select(RequestToken).where(*where)).one()
        raise _used_before(used) from error
    return row


def forget_others(
    session: Session, requester_id: int, operation: str, made: str, token: str
) -> None:
    """Forget the tokens of the thing ``made``, but for ``token``: they may be used again."""
    session.execute(
        delete(RequestToken).where(
            RequestToken.requester_id == requester_id,
            RequestToken.operation == operation,
            RequestToken.made == made,
            RequestToken.token != token,
        )
    )


def _used_before(used: RequestToken) -> Refusal:
    if used.operation in _MAKERS:
        return hit_exists(used.made)
    return token_used(used.token)
