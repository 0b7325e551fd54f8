"""What is shipped: the wheel carries all it needs, runs by itself, and its settings are told."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import fields
from pathlib import Path

import pytest

from tests.support.http import free_port, get_bytes, is_healthy
from tests.support.paths import ROOT
from tests.support.serving import environ, serving
from tracer.assets import asset_dir
from tracer.config import Config
from tracer.server.postgres import Embedded


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    # In this environment rather than in one of its own: what is tested is what goes in.
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def files(directory: str) -> set[str]:
    """Return the files of a directory of the checkout, without what Python leaves there."""
    found = (path for path in (ROOT / directory).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in found if path.suffix != ".pyc"}


def test_the_wheel_carries_the_code_and_every_asset_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    code = files("tracer")
    assets = {
        f"tracer/_assets/{name}"
        for directory in ("static", "templates", "migrations")
        for name in files(directory)
    }
    assert assets
    assert code | assets <= names
    others = {name for name in names if not name.startswith("tracer/")}
    assert all(".dist-info/" in name for name in others)


def test_the_wheel_serves_from_an_empty_directory(wheel: Path, data_dirs: Path) -> None:
    unpacked = data_dirs / "wheel"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    with serving(data_dir=data_dirs / "of-wheel", code=unpacked) as serve:
        assert is_healthy(serve.url)
        assert b"<html" in get_bytes(f"{serve.url}/")
        assert get_bytes(f"{serve.url}/static/css/base.css")


def test_in_a_checkout_the_assets_are_those_of_the_checkout() -> None:
    assert asset_dir("templates") == ROOT / "templates"


@pytest.mark.slow
def test_the_wheel_installs_and_serves_in_an_empty_home(wheel: Path, data_dirs: Path) -> None:
    home = data_dirs / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", home / "venv"], check=True)
    pip = [str(home / "venv/bin/python"), "-m", "pip", "install", "--quiet", f"{wheel}[server]"]
    subprocess.run(pip, check=True)
    port = free_port()
    clean = {name: value for name, value in environ().items() if name != "PYTHONPATH"}
    (home / "empty").mkdir()
    process = subprocess.Popen(
        [home / "venv/bin/tracer", "serve", "--port", str(port)],
        env={**clean, "HOME": str(home)},
        cwd=home / "empty",
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as lines:
        said = next((line for line in lines if line.startswith("Ready")), None)
        assert said is not None
        assert is_healthy(f"http://127.0.0.1:{port}")
        assert b"<html" in get_bytes(f"http://127.0.0.1:{port}/")
        process.terminate()
        assert process.wait(60) == 0
    assert (home / ".tracer" / "pg").is_dir()
    assert Embedded(home / ".tracer").postmaster() is None
    assert list((home / "empty").iterdir()) == []


@pytest.mark.slow
def test_the_wheel_without_extras_is_the_sdk_and_sends_a_trace(
    wheel: Path, data_dirs: Path, server: str
) -> None:
    place = data_dirs / "base"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    python = str(place / "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], check=True)
    program = (
        "import tracer.sdk as tracer, importlib.util as u\n"
        "assert not [name for name in ('flask', 'sqlalchemy', 'msgspec') if u.find_spec(name)]\n"
        "tracer.init()\n"
        "with tracer.agent('from the wheel'): print(tracer.current_trace_id())\n"
    )
    clean = {name: value for name, value in environ().items() if name != "PYTHONPATH"}
    said = subprocess.run(
        [python, "-c", program],
        env={**clean, "TRACER_ENDPOINT": server},
        cwd=place,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stderr == ""
    trace = json.loads(get_bytes(f"{server}/api/v1/traces/{said.stdout.strip()}"))
    assert trace["name"] == "from the wheel"


def test_importing_the_package_loads_nothing() -> None:
    code = "import sys; before = set(sys.modules); import tracer; print(set(sys.modules) - before)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environ(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'tracer'}"


def test_the_parent_of_the_family_stays_lean() -> None:
    code = "import sys, tracer.cli.serve, tracer.server.family; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environ(), capture_output=True, text=True, check=True)
    assert not {"flask", "sqlalchemy", "psycopg", "alembic"} & set(done.stdout.split())


def test_the_base_install_is_the_sdk_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[><=\[]", line)[0] for line in project["dependencies"]}
    assert names == {"opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"}


def test_every_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    for field in fields(Config):
        row = next(line for line in text.splitlines() if f"`TRACER_{field.name.upper()}`" in line)
        assert f"`{field.default}`" in row or (not field.default and "none" in row)
