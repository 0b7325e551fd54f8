"""``tracer export`` and ``tracer import`` against a real server."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.http import get_bytes
from tests.support.serving import run_tracer
from tracer.cli.transfer.client import Server
from tracer.demo.dataset import generate
from tracer.demo.otlp import requests


def post(server: str, batch: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{server}/api/v1/batch",
        json.dumps(batch).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert json.load(answer)["refused"] == 0


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
    # The name of a file is enough.
    assert run_tracer("import", str(path), "--url", server).returncode == 0
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


def test_a_json_export_of_a_trace_or_session_is_imported(server: str, tmp_path: Path) -> None:
    text = "one\u2028two\x85 0.12345678901234567890"
    post(
        server,
        {
            "traces": [{"id": "json-1", "name": "j", "session_id": "json-s", "tags": ["a"]}],
            "spans": [
                {
                    "trace_id": "json-1",
                    "id": "s-1",
                    "kind": "generation",
                    "name": "call",
                    "model": "gpt-4o",
                    "start_time": "2026-01-01T00:00:00Z",
                    "end_time": "2026-01-01T00:00:01Z",
                    "input": text,
                    "output": {"a": [1, None, {}]},
                    "usage": {"input": 5, "output": 6},
                }
            ],
            "scores": [{"id": "json-q", "trace_id": "json-1", "name": "good", "value": True}],
        },
    )
    remark = {"trace_id": "json-1", "span_id": "s-1", "text": "Why **so**?", "author": "Ada"}
    comment = {"id": "json-c", "time": "2026-01-02T03:04:05Z", **remark}
    request = urllib.request.Request(
        f"{server}/api/v1/comments",
        json.dumps(comment).encode(),
        headers={"Content-Type": "application/json"},
    )
    for status in (201, 200):
        with urllib.request.urlopen(request, timeout=20) as made:
            assert made.status == status
    for subject, path in (
        ("traces/json-1", "/api/v1/traces/json-1/export"),
        ("sessions/json-s", "/api/v1/sessions/json-s/export"),
    ):
        file = tmp_path / "export.json"
        file.write_bytes(get_bytes(server + path))
        # As other ids, which the server has not seen yet.
        renamed = file.read_text().replace("json-", f"copy-{subject[:2]}-")
        file.write_text(renamed)
        done = run_tracer("import", "file", str(file), "--url", server)
        assert (done.returncode, done.stderr) == (0, ""), subject
        before = get_bytes(f"{server}/api/v1/traces/json-1/spans/s-1").decode()
        after = get_bytes(f"{server}/api/v1/traces/copy-{subject[:2]}-1/spans/s-1").decode()
        assert after.replace(f"copy-{subject[:2]}-", "json-") == before
        scores = json.loads(get_bytes(f"{server}/api/v1/traces/copy-{subject[:2]}-1/scores"))
        assert [score["value"] for score in scores["data"]] == [True]
        path = f"{server}/api/v1/traces/copy-{subject[:2]}-1/comments"
        [copied] = json.loads(get_bytes(path))["data"]
        assert {name: copied[name] for name in ("span_id", "text", "author")} == {
            name: remark[name] for name in ("span_id", "text", "author")
        }
        assert copied["time"].startswith("2026-01-02T03:04:05")


def test_a_json_export_of_an_earlier_version_is_imported_from_its_fields(
    server: str, trace_id: str, tmp_path: Path
) -> None:
    document = json.loads(get_bytes(f"{server}/api/v1/traces/{trace_id}/export?format=json"))
    for part in (document["trace"], *document["spans"], *document["scores"]):
        del part["restore"]
    file = tmp_path / "export.json"
    file.write_text(json.dumps(document).replace(trace_id, "e" * 30 + "01"))
    assert run_tracer("import", "file", str(file), "--url", server).returncode == 0
    copied = json.loads(get_bytes(f"{server}/api/v1/traces/{'e' * 30}01"))
    for name in ("name", "session_id", "user_id", "tags", "span_count", "total_tokens", "status"):
        assert copied[name] == document["trace"][name], name


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
    export = get_bytes(f"{server}/api/v1/traces/{trace_id}/export?format=json")
    half, newer = tmp_path / "half.json", tmp_path / "newer.json"
    half.write_bytes(export[: len(export) // 2])
    newer.write_bytes(export.replace(b'"version":1', b'"version":2', 1))
    other = tmp_path / "other.json"
    other.write_text('{"a": 1}')
    for words, arguments in (
        ("no trace 'nope'", ("export", "nope", "-o", str(out))),
        ("truncated", ("import", "file", str(cut))),
        ("no complete JSON export", ("import", "file", str(half))),
        ("version 2 of a newer Tracer", ("import", "file", str(newer))),
        ("resourceSpans", ("import", "file", str(other))),
    ):
        done = run_tracer(*arguments, "--url", server)
        assert done.returncode != 0
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    done = run_tracer("export", trace_id, "--url", "http://127.0.0.1:9", "-o", str(out))
    assert done.returncode != 0
    assert "no export from" in done.stderr
    assert list(tmp_path.glob("x*")) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"resourceSpans":' + b"[" * 200_000, "nested too deeply"),
    ],
)
def test_a_file_without_spans_is_one_line_of_error(
    server: str, tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    done = run_tracer("import", "file", str(path), "--url", server)
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
