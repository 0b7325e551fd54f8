"""Every program in the documentation, run as printed, shows a trace.

Those of the start page are in tests/browser/test_start.py.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.http import get_bytes
from tests.support.paths import ROOT
from tests.support.provider.model_server import model_server
from tests.support.serving import environ
from tracer.ui.project.start import curl_program

DEFAULT = "127.0.0.1:4318"
SDK = ROOT / "docs" / "sdk.md"
SDK_PAGES = sorted((ROOT / "docs" / "sdk").glob("*.md"))


def blocks(page: Path, language: str) -> list[str]:
    pattern = rf"^```{language}\n(.*?)^```"
    return re.findall(pattern, page.read_text(), re.DOTALL | re.MULTILINE)


def curl_commands(page: Path) -> list[str]:
    return [block for block in blocks(page, "sh") if block.startswith("curl ")]


def run(command: list[str], program: str, server: str, directory: Path) -> str:
    """Run a program whose server is the default one; return what it printed."""
    host = server.removeprefix("http://")
    spool = str(directory / "spool")
    with model_server() as models:
        done = subprocess.run(
            [*command, program.replace(DEFAULT, host).replace("/var/tmp/shop-traces", spool)],
            env=environ(
                TRACER_ENDPOINT=server,
                OTEL_EXPORTER_OTLP_ENDPOINT=server,
                OPENAI_BASE_URL=f"{models}/v1",
                OPENAI_API_KEY="none",
            ),
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(server: str) -> set[str]:
    """Return the addresses of the newest traces in the list of traces."""
    page = get_bytes(f"{server}/project/default/traces").decode()
    return set(re.findall(r'href="(/project/default/traces/[^"?/]+)"', page))


Shows = Callable[[list[str], str], list[str]]


@pytest.fixture
def shows(server: str, tmp_path: Path) -> Shows:
    """Run a program and return the pages of the traces that the list shows afterwards only."""

    def run_and_read(command: list[str], program: str) -> list[str]:
        before = listed(server)
        run(command, program, server, tmp_path)
        pages = sorted(listed(server) - before)
        return [html.unescape(get_bytes(server + page).decode()) for page in pages]

    return run_and_read


PYTHON = [sys.executable, "-P", "-c"]
SHELL = ["sh", "-c"]


@pytest.mark.parametrize(
    ("command", "program"),
    [
        *((SHELL, program) for program in curl_commands(ROOT / "README.md")),
        *((PYTHON, program) for program in blocks(ROOT / "README.md", "python")),
        *((PYTHON, program) for program in blocks(SDK, "python")),
    ],
)
def test_a_first_program_shows_a_question_and_its_answer(
    shows: Shows, command: list[str], program: str
) -> None:
    [page] = shows(command, program)
    assert "Why is the sky blue?" in page
    assert "blue light most" in page or "short waves scatter most" in page


def test_the_first_command_is_that_of_the_start_page() -> None:
    [command] = curl_commands(ROOT / "README.md")
    assert command == curl_program(f"http://{DEFAULT}") + "\n"


@pytest.mark.parametrize("page", SDK_PAGES, ids=lambda page: page.stem)
def test_the_programs_of_a_page_of_the_sdk_show_traces_after_the_first_program(
    shows: Shows, page: Path
) -> None:
    programs = blocks(page, "python")
    assert programs
    assert "continue the first one of [the SDK](../sdk.md)" in page.read_text()
    assert shows(PYTHON, "\n".join([*blocks(SDK, "python"), *programs]))


@pytest.mark.parametrize(
    "page", [page for page in sorted((ROOT / "docs").glob("*.md")) if curl_commands(page)]
)
def test_the_commands_of_a_page_print_the_answer(server: str, tmp_path: Path, page: Path) -> None:
    for command in curl_commands(page):
        for line in command.splitlines():
            assert json.loads(run(SHELL, line, server, tmp_path)), line


def test_the_examples_of_the_json_api_show_their_trace(server: str) -> None:
    examples = re.findall(
        r"```http\n(\w+) (\S+)\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL
    )
    assert examples
    for method, path, body in examples:
        request = urllib.request.Request(f"{server}{path}", body.encode(), method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status in (200, 201, 202)
    page = html.unescape(
        get_bytes(f"{server}/project/default/traces/order-17?span=call-1").decode()
    )
    assert "Where is my order?" in page
    assert "On its way." in page
