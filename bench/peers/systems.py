"""The measured systems: how each is started, where it stores, and how one span is opened."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

_PHOENIX_SPAN: Final = """
    query ($id: String!) { span: getSpanByOtelId(spanId: $id) {
        name attributes input { value } output { value } events { name } } }
"""


@dataclass(frozen=True)
class System:
    """A server that takes OTLP; ``scripts`` of a virtual environment start it."""

    name: str
    command: Callable[[Path, Path, int], list[str]]
    """(scripts, data directory, port) → the command"""
    environ: Callable[[Path, int], Mapping[str, str]]
    open_span: Callable[[int, str, str], bytes]
    """(port, trace id, span id) → the answer that a page is made from"""
    ready: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that its OTLP route requires."""


def _get(port: int, path: str, body: dict[str, Any] | None = None) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=120) as response:
        content: bytes = response.read()
    return content


def _open_tracer(port: int, trace_id: str, span_id: str) -> bytes:
    return _get(port, f"/project/default/traces/{trace_id}/span?id={span_id}")


def _open_phoenix(port: int, _trace_id: str, span_id: str) -> bytes:
    answer = _get(port, "/graphql", {"query": _PHOENIX_SPAN, "variables": {"id": span_id}})
    if b'"errors"' in answer[:200] or b'"span":null' in answer.replace(b" ", b"")[:200]:
        raise RuntimeError(answer[:300].decode())
    return answer


def _open_mlflow(port: int, trace_id: str, _span_id: str) -> bytes:
    # Its page reads the whole trace.
    return _get(port, f"/ajax-api/3.0/mlflow/traces/get?trace_id={quote('tr-' + trace_id)}")


SYSTEMS: Final = (
    System(
        name="Tracer",
        command=lambda _, data, port: [
            *(sys.executable, "-P", "-m", "tracer", "serve"),
            *("--port", str(port), "--data-dir", str(data / "tracer")),
        ],
        environ=lambda _data, _port: {},
        open_span=_open_tracer,
    ),
    System(
        name="Phoenix",
        command=lambda scripts, _, __: [str(scripts / "phoenix"), "serve"],
        environ=lambda data, port: {
            "PHOENIX_WORKING_DIR": str(data),
            "PHOENIX_PORT": str(port),
            "PHOENIX_GRPC_PORT": str(port + 1),
            "PHOENIX_HOST": "127.0.0.1",
            "PHOENIX_TELEMETRY_ENABLED": "false",
        },
        open_span=_open_phoenix,
    ),
    System(
        name="MLflow",
        command=lambda scripts, data, port: [
            *(str(scripts / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port)),
            *("--backend-store-uri", f"sqlite:///{data}/mlflow.db"),
            *("--default-artifact-root", str(data / "artifacts"), "--workers", "1"),
        ],
        environ=lambda _data, _port: {"MLFLOW_DISABLE_TELEMETRY": "true"},
        open_span=_open_mlflow,
        ready="/health",
        headers={"x-mlflow-experiment-id": "0"},
    ),
)


def environment(system: System, scripts: Path, data: Path, port: int) -> dict[str, str]:
    """Return the environment of a system's process."""
    path = f"{scripts}:{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "DO_NOT_TRACK": "1", **system.environ(data, port)}
