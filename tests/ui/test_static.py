"""The files that a browser loads: their origin, and how much of them there is."""

from __future__ import annotations

import gc
import gzip
import hashlib
import re

from flask.testing import FlaskClient

from tracer.assets import asset_dir

STATIC = asset_dir("static")


def gzipped(suffix: str) -> int:
    return sum(len(gzip.compress(path.read_bytes())) for path in STATIC.rglob(f"*{suffix}"))


def test_vendored_files_are_what_their_list_says() -> None:
    table = (STATIC / "vendor" / "README.md").read_text()
    listed = dict(re.findall(r"^\| `([^`]+)` .*\| `([0-9a-f]{64})` \|$", table, re.MULTILINE))
    vendor = STATIC / "vendor"
    found = {
        str(path.relative_to(vendor)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name not in ("README.md", "LICENSE")
    }
    assert found == listed


def test_every_vendored_package_carries_its_licence() -> None:
    packages = [path for path in (STATIC / "vendor").iterdir() if path.is_dir()]
    assert packages
    assert all((package / "LICENSE").is_file() for package in packages)


def test_the_scripts_stay_small() -> None:
    assert gzipped(".js") <= 60 * 1024


def test_the_styles_stay_small() -> None:
    assert gzipped(".css") <= 15 * 1024


def test_every_kind_of_span_has_an_icon() -> None:
    from tracer.records import KINDS

    ids = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    assert set(KINDS) <= ids


def test_every_icon_that_a_template_names_exists() -> None:
    ids = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    named: set[str] = set()
    for path in asset_dir("templates").rglob("*.html"):
        text = path.read_text()
        named |= set(re.findall(r'icon\("(\w+)"', text))
        named |= set(re.findall(r"\}\}#(\w+)\"", text))
    assert named <= ids


def test_no_template_holds_a_script_or_style_of_its_own() -> None:
    for path in asset_dir("templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|<script(?![^>]*\ssrc=)|hx-on|\son\w+=|\|\s*safe", text), path


def test_a_file_that_a_browser_has_already_is_not_left_open(client: FlaskClient) -> None:
    with client.get("/static/js/theme.js") as first:
        tag = first.headers["ETag"]
    answer = client.get("/static/js/theme.js", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    # What was left open would be told now, and fail the test.
    del answer
    gc.collect()
