"""Who is asking, and may they? Every endpoint carries a rule; without one it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf import CSRFProtect
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.wrappers import Response

from jobs import accounts
from jobs.accounts import Person
from jobs.adjudication.rounds import Decider
from jobs.errors import InvalidInput
from webapp.installation import installation, now, reading, writing
from webapp.requests import is_own_path

View = TypeVar("View", bound=Callable[..., Any])
PUBLIC = "public"

blueprint = Blueprint("auth", __name__)
limiter = Limiter(get_remote_address, headers_enabled=True)
csrf = CSRFProtect()
login = LoginManager()


@dataclass(frozen=True)
class Rule:
    """Who may call an endpoint: everyone, or people of at least ``role``.

    ``scope`` is what an API token must carry; pages have none and take no token.
    """

    role: str
    scope: str = ""


class Visitor(UserMixin):  # type: ignore[misc]
    """A person as the session knows them: by id and session version.

    A new password, a lost role or signing out everywhere ends every older session.
    """

    def __init__(self, found: Person) -> None:
        self.person = found

    def get_id(self) -> str:
        return f"{self.person.id}.{self.person.session_version}"


@login.user_loader  # type: ignore[untyped-decorator]
def load_visitor(known: str) -> Visitor | None:
    """The visitor of a session, or None once that session has ended."""
    person_id, _, version = known.partition(".")
    if not (person_id.isdecimal() and version.isdecimal()):
        return None
    with reading() as db_session:
        found = accounts.person_of_session(db_session, int(person_id), int(version))
    return Visitor(found) if found else None


def allow(role: str, *, scope: str = "") -> Callable[[View], View]:
    """Give a view its rule."""

    def mark(view: View) -> View:
        view.rule = Rule(role, scope)  # type: ignore[attr-defined]
        return view

    return mark


def rule_of(app: Flask, endpoint: str) -> Rule | None:
    """The rule of an endpoint, or None where it was forgotten."""
    if endpoint == "static":
        return Rule(PUBLIC)
    rule: Rule | None = getattr(app.view_functions[endpoint], "rule", None)
    return rule


def person() -> Person:
    """Who is asking; only for views whose rule is not public."""
    found: Person | None = g.get("person")
    if found is None:
        raise Unauthorized
    return found


def actor() -> str:
    """Who is asking, as ledgers and histories name them."""
    return person().email


def decider() -> Decider:
    """Who is asking, as someone who decides labels."""
    return Decider(person().email, is_manager=person().may("manager"))


def install(app: Flask) -> None:
    """Put the rules, the form token and the rate limits in front of every view."""
    limiter.init_app(app)
    login.init_app(app, add_context_processor=False)  # it would read the database in error pages
    app.before_request(_identify)
    app.before_request(_check_rule)
    csrf.init_app(app)
    app.before_request(_check_form)
    app.context_processor(lambda: {"person": g.get("person")})


def start_session(found: Person) -> None:
    """A fresh session: nothing of an older one is kept."""
    session.clear()
    session.permanent = True
    login_user(Visitor(found))


def _identify() -> None:
    g.person, g.scopes = None, frozenset()
    if request.endpoint == "static":
        return
    if _takes_token():
        _identify_bearer()
    elif current_user.is_authenticated:
        g.person = current_user.person


def _takes_token() -> bool:
    """Whether a bearer token counts here, and a browser's cookie does not."""
    rule = rule_of(current_app, request.endpoint) if request.endpoint else None
    return request.path.startswith("/api/") or bool(rule and rule.scope)


def _identify_bearer() -> None:
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer":
        return
    with reading() as db_session:
        found = accounts.bearer(db_session, secret.strip())
    if found is not None:
        g.person, g.scopes = found.person, found.scopes


def _check_rule() -> Response | None:
    if request.endpoint is None:
        return None  # no such address: the 404 says no more to anyone
    rule = rule_of(current_app, request.endpoint)
    if rule is None:
        raise Forbidden("This address has no authorization rule, so nobody may use it.")
    if rule.role == PUBLIC:
        return None
    if g.person is None:
        if _takes_token() or request.method != "GET":
            raise Unauthorized("Sign in first.")
        return redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?")))
    if not g.person.may(rule.role):
        raise Forbidden(f"This needs the role {rule.role}; yours is {g.person.role}.")
    if rule.scope and rule.scope not in g.scopes:
        raise Forbidden(f"This needs a token with the scope {rule.scope}.")
    return None


def _check_form() -> None:
    """Pages' forms carry the session's token; over the API only a bearer token counts."""
    if current_app.config["WTF_CSRF_ENABLED"] and not request.path.startswith("/api/"):
        csrf.protect()


@blueprint.get("/sign-in")
@allow(PUBLIC)
def sign_in() -> str | Response:
    """The sign-in form; on a fresh installation, the way to the first account."""
    with reading() as db_session:
        if accounts.needs_first_run(db_session):
            return redirect(url_for("auth.first_run"))
    if g.person is not None:
        return redirect(_safe_next())
    return render_template("auth/sign_in.html", next=request.args.get("next", ""))


@blueprint.post("/sign-in")
@allow(PUBLIC)
@limiter.limit("10 per minute; 100 per hour")
def enter() -> Response | tuple[str, int]:
    """Check the pair and start a session."""
    try:
        with reading() as db_session:
            found = accounts.sign_in(
                db_session, request.form.get("email", ""), request.form.get("password", "")
            )
    except InvalidInput as error:
        page = render_template(
            "auth/sign_in.html",
            error=str(error),
            email=request.form.get("email", ""),
            next=request.form.get("next", ""),
        )
        return page, 422
    start_session(found)
    return redirect(_safe_next())


@blueprint.post("/sign-out")
@allow("annotator")
def sign_out() -> Response:
    """End this person's sessions, here and on other machines: a stolen cookie ends too."""
    with writing() as db_session:
        accounts.sign_out_everywhere(db_session, person().id)
    logout_user()
    session.clear()
    flash("Signed out, here and everywhere else.")
    return redirect(url_for("auth.sign_in"))


@blueprint.get("/first-run")
@allow(PUBLIC)
def first_run() -> str | Response:
    """The form that makes the first administrator; gone once somebody exists."""
    with reading() as db_session:
        if not accounts.needs_first_run(db_session):
            return redirect(url_for("auth.sign_in"))
    return render_template("auth/first_run.html")


@blueprint.post("/first-run")
@allow(PUBLIC)
@limiter.limit("10 per minute; 50 per hour")
def claim() -> Response | tuple[str, int]:
    """Make the first administrator with the token of the data folder, and sign them in."""
    try:
        with writing() as db_session:
            found = accounts.claim_first_run(
                db_session,
                installation().settings.data_dir,
                token=request.form.get("token", ""),
                email=request.form.get("email", ""),
                name=request.form.get("name", ""),
                password=request.form.get("password", ""),
                now=now(),
            )
    except InvalidInput as error:
        page = render_template("auth/first_run.html", error=str(error), form=request.form)
        return page, 422
    start_session(found)
    flash("Welcome. This installation is yours: start with a job, or add people in Settings.")
    return redirect(url_for("home.home"))


def _safe_next() -> str:
    """Where to go after signing in: a path of ours, never another host."""
    wanted = request.values.get("next", "")
    return wanted if is_own_path(wanted) else "/"
