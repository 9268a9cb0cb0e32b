"""The template studio: pages of HITs written, seen, tried and kept in versions."""

from __future__ import annotations

from flask import Blueprint

from webapp.studio import keeping, trying, writing


def blueprints() -> tuple[Blueprint, ...]:
    """The blueprints of the studio."""
    return (keeping.blueprint, writing.blueprint, trying.blueprint)
