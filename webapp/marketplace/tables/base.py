"""The declarative base. Every table's name starts with ``market_``: the database may be shared."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import JSON, BigInteger, Integer
from sqlalchemy.orm import DeclarativeBase

Json = JSON(none_as_null=True)


class Base(DeclarativeBase):
    """Times are integer milliseconds since 1970, money integer cents."""

    type_annotation_map: ClassVar = {int: BigInteger().with_variant(Integer, "sqlite")}
