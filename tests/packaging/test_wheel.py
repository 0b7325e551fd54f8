"""The wheel: complete, licensed, installable on each Python; and what importing it loads."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.packaging.environments import clean_environ, install
from tests.packaging.pythons import candidates, usable
from tests.support.http import free_port, get_bytes, is_healthy
from tests.support.paths import ROOT
from tests.support.serving import environ, serving
from tracer import __version__
from tracer.assets import asset_dir
from tracer.server.postgres import Embedded


def files(directory: str) -> set[str]:
    """Return the files of a directory of the checkout, without what Python leaves there."""
    paths = (path for path in (ROOT / directory).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in paths if path.suffix != ".pyc"}


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


def test_the_wheel_names_its_licence_and_carries_those_of_others(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        info = next(name.partition("/")[0] for name in archive.namelist() if "dist-info" in name)
        metadata = message_from_bytes(archive.read(f"{info}/METADATA"))
        texts = {
            name: archive.read(f"{info}/licenses/{name}").decode()
            for name in metadata.get_all("License-File", [])
        }
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Author"] == "The Tracer authors"
    assert "END OF TERMS AND CONDITIONS" in texts.pop("LICENSE")
    notice = texts.pop("NOTICE")
    assert all(str(directory) in notice for directory in vendored())
    assert set(texts) == {f"{directory}/LICENSE" for directory in vendored()}


def vendored() -> list[Path]:
    """Return the directories of other projects' files, relative to the checkout."""
    directories = [path for path in (ROOT / "static/vendor").iterdir() if path.is_dir()]
    assert directories
    return [path.relative_to(ROOT) for path in directories]


def test_type_checkers_may_use_the_types_of_the_whole_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        marks = [name for name in archive.namelist() if name.endswith("py.typed")]
    assert marks == ["tracer/py.typed"]


def test_the_wheel_serves_from_an_empty_directory(unpacked: Path, data_dirs: Path) -> None:
    with serving(data_dir=data_dirs / "of-wheel", code=unpacked) as serve:
        assert is_healthy(serve.url)
        assert b"<html" in get_bytes(f"{serve.url}/")
        assert b"/static/css/base.css?v=" in get_bytes(f"{serve.url}/")


def test_in_a_checkout_the_assets_are_those_of_the_checkout() -> None:
    assert asset_dir("templates") == ROOT / "templates"


@pytest.mark.slow
@pytest.mark.parametrize("version", candidates())
def test_the_wheel_installs_and_serves_in_an_empty_home_on_each_python(
    wheel: Path, data_dirs: Path, version: str
) -> None:
    python = usable(version)
    if python is None:
        pytest.skip(f"Python {version} of this machine can't make virtual environments")
    home = data_dirs / f"home-{version}"
    (home / "empty").mkdir(parents=True)
    programs = install(python, home / "venv", f"{wheel}[server]")
    assert_every_module_can_be_imported(programs)
    assert run_program(programs, "tracer", "--version").endswith(f"version {__version__}\n")
    assert_serves(programs, home)
    assert (home / ".tracer" / "pg").is_dir()
    assert Embedded(home / ".tracer").postmaster() is None
    assert list((home / "empty").iterdir()) == []


def run_program(programs: Path, name: str, *args: str) -> str:
    """Run a program of an environment to its end and return what it printed."""
    command = [str(programs / name), *args]
    done = subprocess.run(
        command, env=clean_environ(), cwd=programs, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def assert_every_module_can_be_imported(programs: Path) -> None:
    names = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "tracer").rglob("*.py")
        if path.name != "__main__.py"
    )
    imports = "; ".join(f"import {name}" for name in names)
    code = f"{imports}; import sys; print(*sys.modules)"
    assert set(names) <= set(run_program(programs, "python", "-W", "error", "-c", code).split())


def assert_serves(programs: Path, home: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [programs / "tracer", "serve", "--port", str(port)],
        env=clean_environ(HOME=str(home)),
        cwd=home / "empty",
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = next((line for line in process.stdout if line.startswith("Ready")), None)
        assert ready is not None
        assert is_healthy(f"http://127.0.0.1:{port}")
        assert b"<html" in get_bytes(f"http://127.0.0.1:{port}/")
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.slow
def test_the_wheel_without_extras_is_the_sdk_and_sends_a_trace(
    wheel: Path, data_dirs: Path, server: str
) -> None:
    programs = install(Path(sys.executable), data_dirs / "base", str(wheel))
    program = (
        "import tracer.sdk as tracer, importlib.util as u\n"
        "assert not [name for name in ('flask', 'sqlalchemy', 'msgspec') if u.find_spec(name)]\n"
        "tracer.init()\n"
        "with tracer.agent('from the wheel'): print(tracer.current_trace_id())\n"
    )
    done = subprocess.run(
        [programs / "python", "-c", program],
        env=clean_environ(TRACER_ENDPOINT=server),
        cwd=programs,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    trace = json.loads(get_bytes(f"{server}/api/v1/traces/{done.stdout.strip()}"))
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
