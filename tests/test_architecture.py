"""The house rules: who imports whom, how long things may be, which names may not exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("quality", "jobs", "webapp")
LONGEST_FILE, LONGEST_FUNCTION = 400, 60

# room: what its modules must not import (a trailing dot-star is implied).
FORBIDDEN = {
    "quality": (
        "jobs", "webapp", "sqlalchemy", "flask", "rq", "redis", "boto3", "requests",
        "random", "time", "datetime", "pydantic",
    ),
    "jobs": ("webapp", "flask"),
    "jobs.providers": ("jobs.tables", "jobs.db", "sqlalchemy"),
    "jobs.formats": (
        "jobs.tables", "jobs.db", "sqlalchemy", "boto3", "requests", "urllib.request", "socket",
        "time", "random",
    ),
    "jobs.taggers": (
        "jobs.tables", "jobs.db", "sqlalchemy", "boto3", "requests", "urllib.request", "socket",
        "time", "datetime", "random",
    ),
    "webapp": ("boto3", "rq", "jobs.tables", "jobs.migrations", "jobs.providers.mturk"),
    "webapp.marketplace": ("jobs", "quality", "boto3", "rq"),
}  # fmt: skip

# library: the only modules that may import it.
HOMES = {
    "boto3": ("jobs.blobs", "jobs.providers._turk_session"),
    "rq": ("jobs.background",),
    "jinja2": ("jobs.pages.hit_page", "jobs.pages.page_child", "webapp"),
    "flask": ("webapp",),
    "alembic": (
        "jobs.installation.migrating",
        "jobs.migrations",
        "webapp.marketplace.migrating",
        "webapp.marketplace.migrations",
    ),
    "playwright": ("jobs.rehearsals.browser", "jobs.rehearsals.filling", "jobs.authoring.trial"),
    "onnxruntime": ("jobs.taggers",),
}

# What turns data into code: modules, and calls by the name they have where they are made.
UNSAFE_MODULES = (
    "pickle", "_pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "torch",
    "code", "codeop", "runpy",
)  # fmt: skip
UNSAFE_CALLS = (
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load",
    "yaml.unsafe_load", "yaml.full_load",
)  # fmt: skip

# The doors open sessions, start processes and may catch everything.
DOORS = ("jobs.cli", "jobs.background", "jobs.calls", "webapp.cli", "webapp.stack")
BROAD_EXCEPT_DOORS = (
    "jobs.background",
    "jobs.calls",
    "webapp.cli",
    "webapp.errors",
    "webapp.marketplace",
)
BANNED_FILES = re.compile(r"(^|_)(utils?|helpers?|common|misc|managers?|handlers?)(_|$)")
BANNED_CLASSES = re.compile(r"(Manager|Handler|Processor|Util|Helper)s?$")
UNFINISHED = re.compile(r"\b(TODO|FIXME)\b|raise NotImplementedError")


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def imported(module: str, node: ast.AST) -> Iterator[str]:
    """Dotted names an import statement brings in; ``from a import b`` names a.b as well."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            is_package = modules()[module].name == "__init__.py"
            parent = module.split(".")[: len(module.split(".")) - node.level + is_package]
            base = ".".join([*parent, *filter(None, [node.module])])
        for alias in node.names:
            full = f"{base}.{alias.name}"
            if full not in modules():
                yield base  # a name of the module itself, not a module inside it
            yield full


@cache
def imports(module: str) -> frozenset[str]:
    return frozenset(name for node in ast.walk(tree(module)) for name in imported(module, node))


def is_in(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def in_room(room: str) -> list[str]:
    return [module for module in modules() if is_in(module, room)]


def depends_on(module: str) -> set[str]:
    """Our own modules that ``module`` imports."""
    return {name for name in imports(module) if name in modules() and name != module}


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    broken = [
        f"{module} imports {name}"
        for module in in_room(room)
        for name in sorted(imports(module))
        if any(is_in(name, forbidden) for forbidden in FORBIDDEN[room])
        and not (room == "webapp" and is_in(module, "webapp.marketplace"))
    ]
    assert not broken


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_only_at_home(library: str) -> None:
    broken = [
        module
        for module in modules()
        if any(is_in(name, library) for name in imports(module))
        and not any(is_in(module, home) for home in HOMES[library])
    ]
    assert not broken


def test_services_do_not_import_the_doors() -> None:
    broken = [
        f"{module} imports {name}"
        for module in in_room("jobs")
        for name in depends_on(module)
        if any(is_in(name, door) for door in ("jobs.cli", "jobs.background"))
        and not any(is_in(module, door) for door in DOORS)
    ]
    assert not broken


def test_views_write_no_sql() -> None:
    allowed = {"sqlalchemy.orm", "sqlalchemy.orm.Session", "sqlalchemy.exc", "sqlalchemy.engine"}
    allowed |= {"sqlalchemy.exc.DataError", "sqlalchemy.engine.make_url"}
    broken = [
        f"{module} imports {name}"
        for module in in_room("webapp")
        if not is_in(module, "webapp.marketplace")
        for name in sorted(imports(module) - allowed)
        if is_in(name, "sqlalchemy")
    ]
    assert not broken


def test_the_marketplace_imports_nothing_else_of_ours() -> None:
    broken = [
        f"{module} imports {name}"
        for module in in_room("webapp.marketplace")
        for name in depends_on(module)
        if not is_in(name, "webapp.marketplace") and name != "webapp"
    ]
    assert not broken


def test_no_module_imports_itself_round_a_corner() -> None:
    done: set[str] = set()
    for start in sorted(modules()):
        path: list[str] = []
        assert not _cycle(start, path, done), " -> ".join(path)


def test_no_folder_of_jobs_reaches_back_to_one_that_imports_it() -> None:
    def place(module: str) -> str:
        return ".".join(module.split(".")[:2])

    reached: dict[str, set[str]] = {}
    for module in in_room("jobs"):
        names = {place(name) for name in depends_on(module) if is_in(name, "jobs")}
        reached.setdefault(place(module), set()).update(names - {place(module), "jobs"})
    while reached:
        ground = [name for name, below in reached.items() if not below & reached.keys()]
        assert ground, f"each of these imports another: {sorted(reached)}"
        for name in ground:
            del reached[name]


def _cycle(module: str, path: list[str], done: set[str]) -> bool:
    """Whether a cycle is reachable from ``module``; ``path`` then holds it."""
    if module in path:
        path.append(module)
        return True
    if module in done:
        return False
    path.append(module)
    # A package that re-exports its own files is no cycle: they do not import it back.
    if any(_cycle(name, path, done) for name in sorted(depends_on(module)) if name != "webapp"):
        return True
    path.pop()
    done.add(module)
    return False


def test_functions_import_nothing_of_ours() -> None:
    broken = [
        f"{module}:{node.lineno}"
        for module in modules()
        for function in ast.walk(tree(module))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
        if any(name.split(".")[0] in PACKAGES for name in imported(module, node))
    ]
    assert not broken


def source_files() -> list[Path]:
    folders = [*PACKAGES, "scripts", "tests", "hit_templates"]
    return [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".js", ".html", ".css"} and "vendor" not in path.parts
    ]


def test_no_file_is_too_long() -> None:
    lengths = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in source_files()}
    assert not {str(p): n for p, n in lengths.items() if n >= LONGEST_FILE}


def test_no_function_is_too_long() -> None:
    broken = [
        f"{module}:{function.name} {_length(function)}"
        for module in modules()
        for function in ast.walk(tree(module))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        and _length(function) > LONGEST_FUNCTION
    ]
    assert not broken


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_file_or_class_has_a_banned_name() -> None:
    files = [str(path) for path in source_files() if BANNED_FILES.search(path.stem)]
    classes = [
        f"{module}.{node.name}"
        for module in modules()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ClassDef) and BANNED_CLASSES.search(node.name)
    ]
    assert not files
    assert not classes


def test_nothing_is_left_for_later() -> None:
    broken = [
        f"{path}:{number}"
        for path in source_files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if UNFINISHED.search(line)
    ]
    assert not broken


def test_no_data_becomes_code() -> None:
    """The reader of weights has a list of what it makes; that of YAML is a safe loader's."""
    imported = [
        f"{module}: {name}"
        for module in modules()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in _modules_of(node)
        if name.partition(".")[0] in UNSAFE_MODULES
    ]
    called = [
        f"{module}: {ast.unparse(node.func)}"
        for module in modules()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in UNSAFE_CALLS
    ]
    assert imported == ["jobs.taggers._efficientnet: pickle"]
    assert called == ["jobs.strict_yaml: yaml.load"]


def _modules_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]


def test_only_the_doors_catch_everything() -> None:
    broken = [
        f"{module}:{node.lineno}"
        for module in modules()
        for node in ast.walk(tree(module))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or "Exception" in _names_of(node.type))
        and not any(is_in(module, door) for door in BROAD_EXCEPT_DOORS)
    ]
    assert not broken


def _names_of(node: ast.expr) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} & {
        "Exception",
        "BaseException",
    }


def test_the_top_level_holds_only_the_folders_of_the_design() -> None:
    with_python = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert with_python <= {"quality", "hit_templates", "jobs", "webapp", "tests"}
