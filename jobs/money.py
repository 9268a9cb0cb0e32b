"""Money as whole micro-dollars: $1 is 1,000,000. Decimal text only at the borders."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from jobs.errors import InvalidInput

MICROS_PER_DOLLAR = 1_000_000
MICROS_PER_CENT = 10_000
LARGEST_MICROS = 1_000_000_000 * MICROS_PER_DOLLAR

_USD = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?", re.ASCII)


def parse_usd(text: object, *, name: str = "amount", whole_cents: bool = False) -> int:
    """Micro-dollars of a plain decimal such as ``0.05``; never negative, never a float's text.

    Raises:
        InvalidInput: for anything else: signs, exponents, commas, other digits, bools, floats.

    """
    plain = str(text) if isinstance(text, (str, int)) and not isinstance(text, bool) else None
    if plain is None or not _USD.fullmatch(plain):
        raise InvalidInput(f"{name}: expected US dollars such as 0.05, got {text!r:.80}")
    micros = int(Decimal(plain) * MICROS_PER_DOLLAR)
    if micros > LARGEST_MICROS:
        raise InvalidInput(f"{name}: expected at most $1,000,000,000, got {plain}")
    if whole_cents and micros % MICROS_PER_CENT:
        raise InvalidInput(f"{name}: expected whole cents, got {plain}")
    return micros


def parse_usd_option(value: object, *, name: str) -> int:
    """As ``parse_usd``, also of a number: options are kept as JSON, which has only floats."""
    is_number = isinstance(value, float) and math.isfinite(value)
    return parse_usd(f"{Decimal(repr(value)):f}" if is_number else value, name=name)


def format_usd(micros: int) -> str:
    """``$1,234.50`` for people; more than two decimals only where the amount has them."""
    text = f"{abs(Decimal(micros)) / MICROS_PER_DOLLAR:,.6f}"
    whole, decimals = text.split(".")
    return f"{'-' if micros < 0 else ''}${whole}.{decimals.rstrip('0').ljust(2, '0')}"


def decimal_usd(micros: int) -> str:
    """``0.05``: the plain text that MTurk takes. The amount must be in whole cents."""
    if micros % MICROS_PER_CENT:
        raise InvalidInput(f"amount: MTurk takes whole cents, got {micros} micro-dollars")
    return f"{Decimal(micros) / MICROS_PER_DOLLAR:.2f}"


def round_half_up_to_cent(micros_times: int, divisor: int = 1) -> int:
    """``micros_times / divisor`` rounded half up to a whole cent, in micro-dollars."""
    unit = MICROS_PER_CENT * divisor
    return (2 * micros_times + unit) // (2 * unit) * MICROS_PER_CENT
