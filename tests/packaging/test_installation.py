"""The command in installations that are unfit for it: the SDK alone, and beside a namesake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.packaging.environments import clean_environ, install_bare
from tests.support.serving import environ, run_tracer
from tracer.cli.installation import DISTRIBUTION, other_distributions


def run_in(site: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run ``tracer`` with the packages in ``site`` before all others."""
    command = [sys.executable, "-P", "-m", "tracer", *args]
    environment = environ(PYTHONPATH=str(site))
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def add_distribution(site: Path, name: str, version: str, **modules: str) -> None:
    """Lay a distribution's modules of the package ``tracer`` over what is in ``site``."""
    for module, text in modules.items():
        (site / "tracer" / f"{module}.py").write_text(text)
    record = site / f"{name}-{version}.dist-info" / "RECORD"
    record.parent.mkdir()
    paths = [*(f"tracer/{module}.py" for module in modules), f"{name}-{version}.dist-info/RECORD"]
    record.write_text("".join(f"{path},,\n" for path in paths))


def test_without_the_server_the_command_prints_what_to_install(wheel: Path, tmp_path: Path) -> None:
    command = install_bare(tmp_path / "venv", wheel) / "tracer"
    done = subprocess.run(
        [command, "--version"], env=clean_environ(), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "'PATH[server]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_with_click_alone_a_subcommand_prints_what_to_install(
    unpacked: Path, tmp_path: Path
) -> None:
    # An application often has click already, but not what the subcommands import.
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "click").symlink_to(Path(click.__file__).parent)
    command = [sys.executable, "-S", "-m", "tracer", "doctor"]
    environment = environ(PYTHONPATH=f"{unpacked}:{tmp_path / 'other'}")
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "'PATH[server]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_another_package_of_the_same_name_is_reported_before_the_command_runs(
    unpacked: Path,
) -> None:
    add_distribution(unpacked, "tracer", "2.0.0", __init__='__version__ = "2.0.0"\n')
    done = run_in(unpacked, "--version")
    assert done.returncode == 0
    assert f"pip uninstall tracer {DISTRIBUTION}" in done.stderr
    assert "tracer 2.0.0" in done.stderr


def test_another_package_that_breaks_the_command_leaves_the_report_alone(unpacked: Path) -> None:
    add_distribution(unpacked, "tracer_llm", "0.3.3", __init__="", config="")
    done = run_in(unpacked, "--version")
    assert done.returncode == 1
    assert f"pip uninstall tracer-llm {DISTRIBUTION}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_doctor_reports_another_package_of_the_same_name(
    unpacked: Path, tmp_path: Path
) -> None:
    add_distribution(unpacked, "tracer", "2.0.0", __init__='__version__ = "2.0.0"\n')
    done = run_in(unpacked, "doctor", "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 1
    assert "clash" in done.stdout
    assert "Traceback" not in done.stderr


def test_an_environment_without_a_namesake_has_none_to_report(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = unpacked / "other-1.0.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text("other/tracer/__init__.py,,\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(unpacked), str(unpacked / "absent")])
    assert list(unpacked.glob("tracer_observability-*.dist-info/RECORD"))
    assert other_distributions() == []
    assert run_tracer("--version").stderr == ""
