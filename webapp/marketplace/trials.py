"""Pages that a requester's studio shows in its frame: sealed by it, run here, kept nowhere.

The page is sandboxed without an origin of its own, so it reaches neither the studio nor what
workers' browsers keep under this address. Its submission ends here too: the answer is told to
the page around the frame and nobody else.
"""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, abort, render_template, request

from webapp.marketplace.content import rewritten
from webapp.marketplace.market import current_market
from webapp.marketplace.questions.answers import free_text_answers

SANDBOX = "sandbox allow-scripts allow-forms allow-modals"

blueprint = Blueprint("trials", __name__)


@blueprint.post("/trial/page")
def page() -> Response:
    """The page that was posted, as a worker would see it; only what the studio has sealed."""
    market = current_market()
    studio = request.form.get("studio", "")
    html = request.form.get("html", "").replace("\r\n", "\n")  # as forms end their lines
    seal = sealed(market.secrets.admin_token, studio, html)
    given = request.form.get("seal", "")
    if not hmac.compare_digest(seal.encode(), given.encode("utf-8", "replace")):
        abort(403, "This page opens from the template studio only.")
    response = Response(rewritten(html, market.content_origin), mimetype="text/html")
    return _shut(response, f"{SANDBOX}; frame-ancestors {studio}")


@blueprint.post("/mturk/externalSubmit")
def answer() -> Response:
    """The answer of a page on trial, as the document a requester would receive.

    It goes back to whoever frames it, for they have just sent it.
    """
    fields = list(request.args.items(multi=True)) + list(request.form.items(multi=True))
    document = free_text_answers(fields, current_market().options.repeated_fields)
    response = Response(render_template("trial_answer.html", document=document))
    return _shut(response, f"{SANDBOX}; default-src 'none'; script-src 'self'")


def sealed(secret: str, studio: str, html: str) -> str:
    """Proof that the studio at the address ``studio`` wants to show ``html``."""
    message = f"trial\x1f{studio}\x1f{html}".encode("utf-8", "replace")
    return hmac.new(secret.encode(), message, "sha256").hexdigest()


def _shut(response: Response, policy: str) -> Response:
    response.headers["Content-Security-Policy"] = policy
    response.headers["Referrer-Policy"] = "strict-origin"
    response.headers["Cache-Control"] = "no-store"
    return response
