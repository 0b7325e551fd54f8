"""Runs one case's application between the stand-in provider and a real Tracer."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.instrumentations import recording, seen
from tests.instrumentations.case import Case
from tests.instrumentations.recorder import recorder
from tests.support import environments
from tests.support.provider.model_server import model_server

APPLICATIONS: Final = Path(__file__).with_name("applications")
RUN_SECONDS: Final = 180.0


class Run(NamedTuple):
    """What became of a run: the traces in order, what was sent, and the packages' versions."""

    traces: list[seen.Trace]
    sent: list[dict[str, Any]]
    """Groups of spans."""
    logs: list[dict[str, Any]]
    """Groups of log records."""
    versions: dict[str, str]
    output: str
    """What the application printed, for a reader who wonders."""


def run(case: Case, tracer_url: str) -> Run:
    """Run the case against the server at ``tracer_url``.

    Raises CannotInstall where its environment can't be made, AssertionError where it fails.
    """
    command, versions = _prepared(case)
    with model_server() as models, recorder(tracer_url) as kept:
        done = _execute([*command, models], _environment(case, models, kept.url))
    assert done.returncode == 0, done.stdout + done.stderr
    sent = kept.resource_spans()
    assert sent, f"nothing was sent:\n{done.stdout}{done.stderr}"
    spans = sorted(recording.spans_of(sent), key=lambda span: int(span["startTimeUnixNano"]))
    trace_ids = list(dict.fromkeys(span["traceId"] for span in spans))
    traces = seen.of_api(tracer_url, trace_ids)
    return Run(traces, sent, kept.resource_logs(), versions, done.stdout + done.stderr)


def _prepared(case: Case) -> tuple[list[str], dict[str, str]]:
    """Return the command that runs the application, and the versions that it will use."""
    if case.application.endswith(".mjs"):
        directory = environments.node(case.name, case.requirements)
        # Node finds packages from where a script lies.
        script = shutil.copy(APPLICATIONS / case.application, directory)
        versions = environments.node_versions(directory, case.requirements)
        return [environments.node_command(directory), str(script)], versions
    interpreter = environments.python(case.name, case.requirements)
    script = APPLICATIONS / case.application
    return [str(interpreter), str(script)], environments.python_versions(
        interpreter, case.requirements
    )


def _environment(case: Case, models: str, otlp: str) -> dict[str, str]:
    foreign = ("OTEL_", "PYTHON", "TRACER_", "LANGSMITH_", "LANGCHAIN_", "MLFLOW_", "OPENAI_")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    plain["OTEL_EXPORTER_OTLP_ENDPOINT"] = otlp
    variables = {name: value.format(models=models) for name, value in case.variables.items()}
    return {**plain, **variables}


def _execute(
    command: Sequence[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    # Some keep files in the home or the working directory.
    with tempfile.TemporaryDirectory() as home:
        return subprocess.run(
            command,
            env={**environment, "HOME": home},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
        )
