"""How an endpoint states what it takes and gives, and the document that tells programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response
from pydantic import BaseModel, ValidationError
from spectree import Response as Answers
from spectree import SecurityScheme, SpecTree
from spectree.models import SecureType, SecuritySchemeData

from jobs.errors import InvalidInput
from jobs.input_faults import explain
from webapp.api import acts, export_shapes, shapes
from webapp.api.shapes import Problem
from webapp.auth import allow

_ERRORS = ("HTTP_401", "HTTP_403", "HTTP_404", "HTTP_409", "HTTP_422", "HTTP_429")

_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Names this call for 24 hours: a repeat gives the reply of the first.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}


def _refuse(
    _request: Any, _response: Any, error: Exception | None, _instance: Any, _adapter: Any
) -> None:
    if isinstance(error, ValidationError):
        known = (getattr(one, error.title, None) for one in (shapes, acts, export_shapes))
        model = next(filter(None, known), None)
        raise InvalidInput("; ".join(explain(error, model)))


spec = SpecTree(
    "flask",
    title="HITworks",
    version="1",
    description="Everything the pages do. Errors have one envelope; pages go on from `next`.",
    mode="strict",
    before=_refuse,
    validation_error_model=Problem,
    security_schemes=[
        SecurityScheme(
            name="bearer", data=SecuritySchemeData(type=SecureType.HTTP, scheme="bearer")
        ),
    ],
    security={"bearer": []},
)


def endpoint(
    role: str,
    scope: str,
    answer: type[BaseModel],
    *,
    status: int = 200,
    tag: str,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An API view: who may call it with which scope, and the shape of its answer."""

    def wrap(view: Callable[..., Any]) -> Callable[..., Any]:
        given: dict[str, Any] = {f"HTTP_{status}": answer}
        given |= dict.fromkeys(_ERRORS, Problem)
        described = spec.validate(resp=Answers(**given), tags=[tag])(view)
        return allow(role, scope=scope)(described)

    return wrap


def described() -> dict[str, Any]:
    """The document, with the key that every POST takes."""
    document: dict[str, Any] = spec.spec
    paths = {
        path: {
            verb: {**known, "parameters": [*known.get("parameters", []), _KEY]}
            if verb == "post"
            else known
            for verb, known in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    return {**document, "paths": paths}


def reply(shape: BaseModel, status: int = 200) -> Response:
    """The value as JSON."""
    return Response(shape.model_dump_json(), status=status, mimetype="application/json")
