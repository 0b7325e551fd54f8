"""``tracer export`` and ``tracer import`` against a real server."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.support.http import get_bytes
from tests.support.serving import run_tracer
from tracer.cli.client import Server
from tracer.demo.dataset import generate
from tracer.demo.otlp import requests


@pytest.fixture
def trace_id(server: str) -> str:
    """A trace that the server holds."""
    [trace, *_] = [each for each in generate(7, time.time()) if len(each.story.trace.spans) > 5]
    with Server(server) as sender:
        sender.send_all(requests([trace.story.trace], 100))
    return trace.story.trace.trace_id.hex()


def test_a_trace_is_exported_and_imported_again(server: str, trace_id: str, tmp_path: Path) -> None:
    path = tmp_path / "out.otlp.json"
    done = run_tracer("export", trace_id, "--format", "otlp", "-o", str(path), "--url", server)
    assert (done.returncode, done.stderr) == (0, "")
    assert str(path) in done.stdout
    before = get_bytes(f"{server}/api/v1/traces/{trace_id}")
    done = run_tracer("import", "file", str(path), "--url", server)
    assert (done.returncode, done.stderr) == (0, "")
    assert get_bytes(f"{server}/api/v1/traces/{trace_id}") == before
    # As another trace, which the server has not seen yet.
    other = path.read_text().replace(trace_id, "f" * 32)
    path.write_text(other)
    assert run_tracer("import", "file", str(path), "--url", server).returncode == 0
    copied = json.loads(get_bytes(f"{server}/api/v1/traces/{'f' * 32}"))
    same = json.loads(before)
    for trace in (copied, same):
        del trace["id"], trace["url"]
    assert copied == same


@pytest.mark.parametrize("chosen", ["port flag", "port", "endpoint", "endpoint with path", "url"])
def test_commands_find_the_server_by_its_settings(
    server: str, trace_id: str, tmp_path: Path, chosen: str
) -> None:
    port = server.rpartition(":")[2]
    flags: dict[str, list[str]] = {"port flag": ["--port", port], "url": ["--url", server]}
    variables = {
        "port": {"TRACER_PORT": port},
        "endpoint": {"TRACER_ENDPOINT": server},
        "endpoint with path": {"TRACER_ENDPOINT": f"{server}/v1/traces", "TRACER_PORT": "1"},
    }
    path = tmp_path / "out.json"
    for arguments in (
        ("export", trace_id, "--format", "otlp", "-o", str(path)),
        ("import", "file", str(path)),
    ):
        done = run_tracer(*arguments, *flags.get(chosen, []), **variables.get(chosen, {}))
        assert (done.returncode, done.stderr) == (0, "")


def test_a_file_of_the_collector_with_one_request_a_line_is_imported(
    server: str, tmp_path: Path
) -> None:
    trace, span = "e" * 32, {"spanId": "d" * 16, "name": "s", "startTimeUnixNano": "1"}
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [{**span, "traceId": trace}]}]}]}
    path = tmp_path / "lines.json"
    path.write_text(f"{json.dumps(request)}\n{json.dumps(request)}\n")
    assert run_tracer("import", "file", str(path), "--url", server).returncode == 0
    assert json.loads(get_bytes(f"{server}/api/v1/traces/{trace}"))["span_count"] == 1


def test_an_error_is_one_line_and_leaves_no_file(
    server: str, trace_id: str, tmp_path: Path
) -> None:
    out = tmp_path / "x.json"
    cut = tmp_path / "cut.json"
    text = get_bytes(f"{server}/api/v1/traces/{trace_id}/export?format=otlp")
    cut.write_bytes(text[: len(text) // 2])
    other = tmp_path / "other.json"
    other.write_text('{"a": 1}')
    for words, arguments in (
        ("no trace 'nope'", ("export", "nope", "-o", str(out))),
        ("truncated", ("import", "file", str(cut))),
        ("resourceSpans", ("import", "file", str(other))),
    ):
        done = run_tracer(*arguments, "--url", server)
        assert done.returncode != 0
        assert words in done.stderr and len(done.stderr.strip().splitlines()) == 1
    done = run_tracer("export", trace_id, "--url", "http://127.0.0.1:9", "-o", str(out))
    assert done.returncode != 0 and "no export from" in done.stderr
    assert list(tmp_path.glob("x*")) == []
