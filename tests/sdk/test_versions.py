"""The tests of the SDK pass with the lowest and the newest OpenTelemetry that is allowed."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest

from tests.support import environments
from tests.support.environments import OTEL, CannotInstall
from tests.support.paths import ROOT
from tests.support.serving import environ

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ALLOWED = {
    name: re.fullmatch(rf"{name}>=(1\.\d+),<(1\.\d+)", line)
    for name in OTEL
    for line in PROJECT["dependencies"]
    if line.startswith(name)
}
# What the tests import, except for those of the server.
NEEDS = (
    *("pytest", "hypothesis", "psutil", "flask", "gunicorn", "pydantic"),
    *("openai", "openinference-instrumentation-openai"),
)
MINUTES = 20


def bounds() -> tuple[str, str]:
    """Return the lowest minor version that is allowed, and the first that is not."""
    matches = [match for match in ALLOWED.values() if match is not None]
    assert len(matches) == len(OTEL), "each dependency has a lower and an upper bound"
    (allowed,) = {(match[1], match[2]) for match in matches}
    return allowed


@pytest.mark.slow
@pytest.mark.parametrize("end", ["lowest", "newest"])
def test_the_sdk_works_with_both_ends_of_the_allowed_versions(end: str) -> None:
    lowest, excluded = bounds()
    versions = f"=={lowest}.*" if end == "lowest" else f">={lowest},<{excluded}"
    try:
        python = environments.python(
            f"sdk-otel-{end}", [*(f"{name}{versions}" for name in OTEL), *NEEDS]
        )
    except CannotInstall as reason:
        pytest.skip(f"can't run here: {reason}")
    installed = environments.python_versions(python, OTEL)
    minor = int(excluded.partition(".")[2]) - 1
    expected = lowest if end == "lowest" else f"1.{minor}"
    assert all(version.startswith(f"{expected}.") for version in installed.values()), installed
    done = subprocess.run(
        [
            *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/sdk"),
            # Without the fixtures of the server, which isn't installed here.
            *("--confcutdir", "tests/sdk", "--ignore", "tests/sdk/test_tracer.py"),
        ],
        # Hypothesis has a profile for slow machines, which this variable turns on.
        env=environ(CI="true"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES,
    )
    assert done.returncode == 0, done.stdout


def test_the_page_names_the_allowed_versions() -> None:
    lowest, excluded = bounds()
    last = f"1.{int(excluded.partition('.')[2]) - 1}"
    page = (ROOT / "docs" / "sdk" / "delivery.md").read_text()
    assert f"OpenTelemetry {lowest} to {last}" in page
