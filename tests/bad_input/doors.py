"""One small installation and its three doors, each of which must refuse without a trace."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from werkzeug.test import TestResponse

from jobs import accounts, calls
from jobs.db import open_engine, transaction
from jobs.tables import Base
from tests.webapp import campaign
from tests.webapp.browsing import close, open_app, sign_in
from webapp import cli

SCHEMA = {
    "name": "things",
    "classes": ["cat", "cup"],
    "attributes": [{"name": "light", "kind": "one", "options": ["dark", "normal", "bright"]}],
}
MODEL = {
    "provider": "model",
    "kind": "tags",
    "options": {
        "tagger": "photometry",
        "tagger_options": {"attributes": {"light": {"measure": "brightness"}}},
    },
}
CROWD = {"provider": "mturk", "kind": "boxes", "redundancy": 2, "reward": "0.05"}
JOB: dict[str, Any] = {
    "name": "first",
    "dataset": "photos",
    "schema": "things",
    "budget": "5.00",
    "routes": [MODEL, CROWD],
}
_CHANGES_BY_ASKING = ("api_token",)  # says when it was last used


@dataclass
class House:
    """A data folder that the command, the pages and the API all open."""

    folder: Path
    app: Flask
    page: FlaskClient
    headers: dict[str, str]
    capsys: pytest.CaptureFixture[str]

    def write(self, name: str, content: str | bytes) -> str:
        """A file in the folder where commands run; its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    def job_id(self, **changes: Any) -> int:
        """A draft made by the command."""
        return int(
            self.told("job", "create", self.write("job.json", json.dumps(JOB | changes)))["id"]
        )

    def told(self, *arguments: str) -> Any:
        """What a command that succeeds prints as JSON."""
        cli.main([*arguments, "--json"])
        return json.loads(self.capsys.readouterr().out)

    def by_command(self, *arguments: str) -> str:
        """The message of a command that must end with exit code 2 and change nothing."""
        with self.unchanged(), pytest.raises(SystemExit) as ended:
            cli.main(list(arguments))
        said = self.capsys.readouterr()
        assert ended.value.code == 2, said.err
        assert said.out == ""
        assert "Traceback" not in said.err
        return said.err.rpartition("Error: ")[2].strip()

    def by_page(self, address: str, form: dict[str, Any]) -> str:
        """The message of a form that must be a 422 and change nothing."""
        with self.unchanged():
            answer = self.page.post(address, data=form, content_type="multipart/form-data")
        assert answer.status_code == 422, answer.text
        shown = re.search(r'role="alert"[^>]*>(.*?)</div>', answer.text, re.DOTALL)
        text = shown[1] if shown else answer.text
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))).strip()

    def by_import(self, form: dict[str, Any]) -> str:
        """The report of an import that must fail in the background and leave no item or file."""
        before = self.rows(), self.files()
        answer = self.page.post("/datasets", data=form, content_type="multipart/form-data")
        assert answer.status_code == 302, answer.text
        calls.drain(self.app.extensions["hitworks"])
        after = self.rows()
        for name in ("dataset", "item"):
            assert after[name] == before[0][name]
        assert self.files() - {self.folder / "data" / "uploads"} == before[1]
        text = self.page.get(answer.headers["Location"] + "/state").text
        assert "Nothing was taken in" in text
        return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))).strip()

    def ask(self, method: str, address: str, body: Any = None) -> TestResponse:
        more = {} if body is None else {"json": body}
        return self.app.test_client().open(
            f"/api/v1{address}", method=method, headers=self.headers, **more
        )

    def by_api(self, method: str, address: str, body: Any = None) -> str:
        """The message of a call that must be a 422 and change nothing."""
        with self.unchanged():
            answer = self.ask(method, address, body)
        assert answer.status_code == 422, answer.text
        return str(answer.get_json()["error"]["message"])

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Every row of every table, and every written file, is as before."""
        before = self.rows(), self.files()
        yield
        assert self.rows() == before[0]
        assert self.files() == before[1]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        engine = open_engine(f"sqlite:///{self.folder / 'data' / 'hitworks.sqlite'}")
        with engine.connect() as connection:
            found = {
                name: [tuple(row) for row in connection.execute(select(table))]
                for name, table in Base.metadata.tables.items()
                if name not in _CHANGES_BY_ASKING
            }
        engine.dispose()
        return found

    def files(self) -> set[Path]:
        """Exports and uploads; bytes in the store count only once a row refers to them."""
        data = self.folder / "data"
        return {path for part in ("exports", "uploads") for path in (data / part).rglob("*")}


def build(folder: Path) -> None:
    """An installation with people, three pictures and a schema."""
    app = open_app(folder / "data")
    with transaction(app.extensions["hitworks"].sessions) as session:
        campaign.add_people(session)
    close(app)
    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(3):
        Image.new("RGB", (64, 48), (80 * number, 10, 10)).save(pictures / f"{number}.png")
    (folder / "schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")


@contextmanager
def opened(folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[House]:
    """The doors of the installation in ``folder``, with a manager at each."""
    app = open_app(folder / "data")
    with transaction(app.extensions["hitworks"].sessions) as session:
        person = next(one for one in accounts.people(session) if one.role == "manager")
        token = accounts.issue_token(
            session, person.id, name="t", scopes=accounts.SCOPES, now=campaign.NOW
        )
    headers = {"Authorization": f"Bearer {token.secret}"}
    yield House(folder, app, sign_in(app), headers, capsys)
    close(app)
