"""Static files: their origin, their size, their caching."""

from __future__ import annotations

import gc
import gzip
import hashlib
import re
import shutil
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from tracer.assets import asset_dir
from tracer.ui.base.static_files import IMMUTABLE, shortened

STATIC = asset_dir("static")
_URL = re.compile(r'(?:href|src)="(/static/[^"#]+)')


def gzipped(suffix: str) -> int:
    """Return the compressed size of all static files of a type (bytes)."""
    files = list(STATIC.rglob(f"*{suffix}"))
    assert len(files) > 5
    return sum(len(gzip.compress(path.read_bytes())) for path in files)


def templates() -> dict[Path, str]:
    """Return the text of each template."""
    paths = list(asset_dir("templates").rglob("*.html"))
    assert len(paths) > 60
    return {path: path.read_text() for path in paths}


def test_vendored_files_equal_their_list() -> None:
    table = (STATIC / "vendor" / "README.md").read_text()
    listed = dict(re.findall(r"^\| `([^`]+)` .*\| `([0-9a-f]{64})` \|$", table, re.MULTILINE))
    vendor = STATIC / "vendor"
    digests = {
        str(path.relative_to(vendor)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in vendor.rglob("*")
        if path.is_file() and path.name not in ("README.md", "LICENSE")
    }
    assert digests == listed
    assert listed


def test_every_vendored_package_has_its_licence() -> None:
    packages = [path for path in (STATIC / "vendor").iterdir() if path.is_dir()]
    assert packages
    assert all((package / "LICENSE").is_file() for package in packages)


def test_the_scripts_stay_small() -> None:
    assert gzipped(".js") <= 60_000


def test_the_styles_stay_small(client: FlaskClient) -> None:
    paths = list((STATIC / "css").glob("*.css"))
    assert len(paths) > 5
    bodies = [client.get(f"/static/css/{path.name}").data for path in paths]
    assert sum(len(gzip.compress(body)) for body in bodies) <= 20_000


def test_a_style_sheet_is_sent_without_what_only_its_readers_need() -> None:
    style = """/* A comment, with { braces }. */
.a > .b,
.c :is(p, a) { color: red;  content: "x ;  { y";
  width: calc(1px + 2 * var(--w)); }
"""
    assert shortened(style) == (
        '.a>.b,.c :is(p,a){color:red;content:"x ;  { y";width:calc(1px + 2 * var(--w))}'
    )


def test_browsers_read_the_same_rules(client: FlaskClient) -> None:
    for path in (STATIC / "css").glob("*.css"):
        sent, stored = client.get(f"/static/css/{path.name}").text, path.read_text()
        stored = re.sub(r"/\*.*?\*/", "", stored, flags=re.DOTALL)
        assert sent.replace(" ", "") == re.sub(r"\s|;(?=\s*})", "", stored)
        assert len(sent) < len(stored)


def test_every_kind_of_span_has_an_icon() -> None:
    from tracer.records import KINDS

    ids = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    assert set(KINDS) <= ids


def test_every_icon_that_a_template_names_exists() -> None:
    ids = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text()))
    named: set[str] = set()
    for text in templates().values():
        named |= set(re.findall(r'icon\("(\w+)"', text))
        named |= set(re.findall(r"\}\}#(\w+)\"", text))
    assert named <= ids
    assert len(named) > 10


def test_no_template_has_an_inline_script_or_style() -> None:
    inline = re.compile(r"<style|<script(?![^>]*\ssrc=)|hx-on|\son\w+=|\|\s*safe")
    assert [path for path, text in templates().items() if inline.search(text)] == []
    assert inline.search("<script>")
    assert not inline.search('<script src="x">')


def test_a_file_that_a_browser_has_cached_is_closed(client: FlaskClient) -> None:
    with client.get("/static/js/base/theme.js") as first:
        tag = first.headers["ETag"]
    answer = client.get("/static/js/base/theme.js", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")
    # A file that was left open would cause a warning now, and fail the test.
    del answer
    gc.collect()


def test_a_changed_file_has_another_url_and_its_old_one_is_not_kept(
    own_app: Flask, tmp_path: Path
) -> None:
    copy = tmp_path / "static"
    shutil.copytree(STATIC, copy)
    own_app.static_folder = str(copy)
    client = own_app.test_client()

    def url() -> str:
        text = client.get("/project/default/settings").text
        return next(url for url in _URL.findall(text) if "css/base.css" in url)

    def caching(url: str) -> str | None:
        with client.get(url) as answer:
            style = (copy / "css/base.css").read_text()
            assert (answer.status_code, answer.text) == (200, shortened(style))
            return answer.headers["Cache-Control"]

    before = url()
    assert caching(before) == IMMUTABLE
    with (copy / "css/base.css").open("a") as file:
        file.write("b { color: red; }")
    after = url()
    assert after != before
    assert caching(after) == IMMUTABLE
    for outdated in (before, "/static/css/base.css", "/static/css/base.css?v="):
        assert caching(outdated) == "no-cache", outdated


def test_a_static_file_that_is_not_there_is_not_found(client: FlaskClient) -> None:
    for path in ("nothing.css?v=1", "../app.py", "css/%00", "css"):
        assert client.get(f"/static/{path}").status_code == 404, path
