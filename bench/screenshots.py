"""Takes the README's screenshots: demo data on a new server, in a headless Chromium."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import click
from playwright.sync_api import Browser, sync_playwright

from bench.family import ROOT, Family, family

IMAGES: Final = ROOT / "docs" / "images"
_WIDTH: Final = 1440
_HEIGHT: Final = 810
_CHROMIUM: Final = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
# The screenshot shows the largest trace of up to this many spans.
_MAX_SPANS: Final = 30


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=IMAGES, help="Output folder.")
def main(out: Path) -> None:
    """Take screenshots of a trace, the list of traces and a dashboard, in light and dark."""
    chromium = next((path for name in _CHROMIUM if (path := shutil.which(name))), None)
    if chromium is None:
        raise click.ClickException("no Chromium: apt-get install chromium")
    out.mkdir(parents=True, exist_ok=True)
    with family() as server, sync_playwright() as playwright:
        project = f"{server.url}/project/default"
        urls = {
            "traces": f"{project}/traces",
            "dashboard": f"{project}?range=-24h",
            "trace": _demo(server),
        }
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--headless"]
        )
        for scheme in ("light", "dark"):
            for name, url in urls.items():
                _take(browser, url, scheme, out / f"{name}-{scheme}.png")
        browser.close()


def _demo(server: Family) -> str:
    """Send the demo data; return the URL of a trace with its last model call selected."""
    command = [sys.executable, "-P", "-m", "tracer", "demo", "--url", server.url]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    traces = _read(server, "/api/v1/traces?limit=100")["data"]
    candidates = [trace for trace in traces if trace["span_count"] <= _MAX_SPANS]
    trace = max(candidates, key=lambda trace: int(trace["span_count"]))
    spans = _read(server, f"/api/v1/traces/{trace['id']}/export?format=json")["spans"]
    generations = [span for span in spans if span["kind"] == "generation"]
    last = max(generations, key=lambda span: str(span["start_time"]))
    return f"{trace['url']}?span={last['id']}"


def _read(server: Family, path: str) -> Any:
    body, _ = server.get(path, {"Accept-Encoding": "identity"})
    return json.loads(body)


def _take(browser: Browser, url: str, scheme: str, path: Path) -> None:
    context = browser.new_context(
        viewport={"width": _WIDTH, "height": _HEIGHT},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    page.goto(url, wait_until="networkidle")
    page.screenshot(path=path)
    context.close()
    click.echo(path)


if __name__ == "__main__":
    main()
