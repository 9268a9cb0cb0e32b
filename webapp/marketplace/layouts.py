"""HIT layouts: a page with ``${name}`` placeholders, filled in one pass."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from webapp.marketplace.questions import xml
from webapp.marketplace.refusals import bad_value, layout_missing
from webapp.marketplace.tables.work import Layout

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_.-]+)\}")


def question_of(
    session: Session, requester_id: int, layout_id: str, parameters: list[dict[str, Any]]
) -> str:
    """The HTMLQuestion of a layout; values go in as raw HTML, and are not looked into again.

    Raises:
        Refusal: no such layout, or a placeholder without a parameter.

    """
    layout = session.scalar(
        select(Layout).where(
            Layout.layout_id == layout_id,
            or_(Layout.requester_id == requester_id, Layout.requester_id.is_(None)),
        )
    )
    if layout is None:
        raise layout_missing(layout_id)
    values = {row["Name"]: row["Value"] for row in parameters}
    lacking = sorted(set(_PLACEHOLDER.findall(layout.html)) - set(values))
    if lacking:
        raise bad_value("HITLayoutParameters", f"{lacking[0]}: null")
    html = _PLACEHOLDER.sub(lambda found: values[found[1]], layout.html)
    safe = html.replace("]]>", "]]]]><![CDATA[>")
    return (
        f'<HTMLQuestion xmlns="{xml.HTML_QUESTION}"><HTMLContent><![CDATA[{safe}]]></HTMLContent>'
        "<FrameHeight>0</FrameHeight></HTMLQuestion>"
    )
