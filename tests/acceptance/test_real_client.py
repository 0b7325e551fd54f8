"""A real client, unchanged and without a setting, arrives understood and priced."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.provider.model_server import model_server
from tests.support.provider.turns import ANSWER
from tests.support.serving import serving

OTLP_PORT = 4318
APPLICATION = Path(__file__).with_name("openai_application.py")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def run_application(model_url: str) -> str:
    """Run the application to its end and return the id of its trace."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, str(APPLICATION), model_url],
        env=plain,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_the_stock_sdk_with_openinference_needs_no_setting_at_all(data_dirs: Path) -> None:
    if not is_free(OTLP_PORT):
        pytest.skip(f"port {OTLP_PORT} is taken: stop what serves there to run this test")
    with model_server() as models, serving(data_dir=data_dirs / "client", port=OTLP_PORT) as serve:
        trace_id = run_application(f"{models}/v1")
        trace = get(f"{serve.url}/api/v1/traces/{trace_id}")
        (root,) = get(f"{serve.url}/api/v1/traces/{trace_id}/spans")["data"]
        (child,) = get(f"{serve.url}/api/v1/traces/{trace_id}/spans?parent={root['id']}")["data"]
        call = get(f"{serve.url}/api/v1/traces/{trace_id}/spans/{child['id']}")
    assert (trace["name"], trace["span_count"], trace["status"]) == ("answer", 2, "completed")
    assert (call["kind"], call["model"], call["provider"]) == (
        "generation",
        "gpt-4o-2024-08-06",
        "openai",
    )
    # The provider counts audio as well, of which there was none.
    counted = {bucket: number for bucket, number in call["usage"].items() if number}
    assert counted == {"input": 200, "cache_read": 1_000, "output": 50, "reasoning": 40}
    # $2.50, $1.25 (cached) and $10 a million.
    assert call["cost_source"] == "computed"
    assert trace["total_cost"] == pytest.approx(200 * 2.5e-6 + 1_000 * 1.25e-6 + 90 * 10e-6)
    assert texts(call["input"]) == ["Answer in one sentence.", "Why is the sky blue?"]
    assert texts(call["output"]) == [ANSWER]
    assert call["model_parameters"]["temperature"] == 0.2


def texts(messages: Any) -> list[str]:
    """Return the text of each message, in whichever common form it was stored."""
    from tracer.messages.conversation import read_messages

    read = read_messages(messages)
    assert read is not None
    return ["".join(part.text or "" for part in message.parts) for message in read]
