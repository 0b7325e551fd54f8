"""The start page: both printed ways to send a trace work, and the page shows the trace."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.support.pages.browser import OpenPage
from tests.support.pages.requests import StoreTraces
from tests.support.pages.sample_traces import TraceBuilder
from tests.support.serving import environ

EMPTY = "/project/default/traces"


def run(command: list[str]) -> None:
    done = subprocess.run(command, env=environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "rror" not in done.stderr


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_printed_curl_line_fills_the_page(open_page: OpenPage) -> None:
    page = open_page(EMPTY)
    run(["sh", "-c", page.locator("#curl").inner_text()])
    page.get_by_role("table").get_by_role("link", name="answer").click()
    expect(page.locator(".tree .row.k-generation small")).to_have_text("gpt-4o")
    expect(page.locator("#panel #output")).to_contain_text("Air scatters blue light most.")
    expect(page.locator(".sums")).to_contain_text("800 ms")


def test_the_printed_program_sends_a_generation(open_page: OpenPage) -> None:
    page = open_page(EMPTY)
    run([sys.executable, "-c", page.locator("#python").text_content() or ""])
    page.get_by_role("table").get_by_role("link", name="answer").click()
    expect(page.locator(".tree .row.k-generation small")).to_have_text("gpt-4o")
    expect(page.locator("#panel #input")).to_contain_text("Why is the sky blue?")
    expect(page.locator("#panel #output")).to_contain_text("Air scatters blue light most.")
    expect(page.locator(".sums")).to_contain_text("23 tokens")
    expect(page.get_by_title("Cost")).to_contain_text("$0.0001")


def test_the_printed_program_with_the_sdk_sends_a_function_and_its_generation(
    open_page: OpenPage,
) -> None:
    page = open_page(EMPTY)
    run([sys.executable, "-c", page.locator("#sdk").inner_text()])
    page.get_by_role("table").get_by_role("link", name="answer").click()
    expect(page.locator("#panel #input")).to_contain_text("Why is the sky blue?")
    expect(page.locator("#panel #output")).to_contain_text("Air scatters blue light most.")
    expect(page.locator(".tree .row.k-generation small")).to_have_text("gpt-4o")
    expect(page.locator(".sums")).to_contain_text("23 tokens")


def test_without_scripts_the_page_reloads_until_a_trace_has_arrived(open_page: OpenPage) -> None:
    page = open_page(EMPTY, scripts=False)
    run([sys.executable, "-c", page.locator("#python").text_content() or ""])
    expect(page.get_by_role("table").get_by_role("link", name="answer")).to_be_visible()


def test_a_trace_without_spans_is_its_panel_until_a_span_arrives(
    open_page: OpenPage, store_traces: StoreTraces
) -> None:
    store_traces(TraceBuilder("announced", name="announced", input="hi", output="hello"))
    page = open_page(f"{EMPTY}/announced")
    expect(page.locator("#panel")).to_contain_text("hello")
    expect(page.locator("#tree")).to_be_hidden()
    store_traces(TraceBuilder("announced", name="announced").span("a"))
    page.reload()
    expect(page.locator("#tree")).to_be_visible()
