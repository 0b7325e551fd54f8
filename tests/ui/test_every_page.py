"""Every page and fragment, seen once: its static files, its style sheets, its templates."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.signals import before_render_template, template_rendered
from flask.testing import FlaskClient

from tests.support.application import application
from tests.support.pages.every_page import addresses, fill, see_everything
from tests.support.pages.sample_traces import TraceBuilder
from tracer.assets import asset_dir
from tracer.config import Config
from tracer.extensions import db
from tracer.store.projects.projects import DEFAULT_PROJECT
from tracer.ui.base.static_files import IMMUTABLE, shortened
from tracer.web.services import services

TEMPLATES = asset_dir("templates")
STATIC = asset_dir("static")
LIST = "/project/default/traces"
_CLASS = re.compile(r'class="([^"]*)"')
_SHEET = re.compile(r"/static/css/(\w+)\.css")
_URL = re.compile(r'(?:href|src)="(/static/[^"#]+)')


@dataclass
class Watch:
    """The templates that were loaded, and the statements that ran while one rendered."""

    rendering: int = 0
    templates: set[str] = field(default_factory=set)
    statements: list[str] = field(default_factory=list)


@contextmanager
def watching(app: Flask) -> Iterator[Watch]:
    """Watch every statement and every template of the application."""
    watch = Watch()

    def begin(_app: Flask, **_: Any) -> None:
        watch.rendering += 1

    def end(_app: Flask, **_: Any) -> None:
        watch.rendering -= 1

    def execute(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if watch.rendering:
            watch.statements.append(statement)

    load = app.jinja_env.get_template

    def get_template(name: Any, *args: Any, **kwargs: Any) -> Any:
        watch.templates.add(str(name))
        return load(name, *args, **kwargs)

    with app.app_context():
        engine = db.engine
    app.jinja_env.get_template = get_template  # type: ignore[method-assign]
    sa.event.listen(engine, "before_cursor_execute", execute)
    signals = before_render_template.connected_to(begin, app), template_rendered
    try:
        with signals[0], signals[1].connected_to(end, app):
            yield watch
    finally:
        sa.event.remove(engine, "before_cursor_execute", execute)
        app.jinja_env.get_template = load  # type: ignore[method-assign]


@dataclass
class Seen:
    """Each page and fragment with its address, and what their templates did."""

    pages: list[tuple[str, str]]
    templates: set[str]
    statements: dict[str, list[str]] = field(default_factory=dict)
    """The statements that ran while templates rendered, by address."""


@pytest.fixture(scope="module")
def seen(migrated_url: str, reset_database: Callable[[], None]) -> Seen:
    """Everything there is to see of a project that has some of everything."""
    reset_database()
    with application(Config(database_url=migrated_url)) as app:

        def store(*builders: TraceBuilder) -> None:
            for builder in builders:
                assert services(app).writer.write(DEFAULT_PROJECT, builder.batch) == []

        paths = addresses(app, fill(app, store))
        with watching(app) as watch:
            everything = Seen([], watch.templates)
            for path, text in see_everything(app.test_client(), paths):
                everything.pages.append((path, text))
                if watch.statements:
                    everything.statements.setdefault(path, []).extend(watch.statements)
                    watch.statements.clear()
    return everything


def test_no_template_runs_a_query_and_each_is_used(seen: Seen) -> None:
    assert len(seen.pages) > 200
    assert seen.statements == {}
    every = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html")}
    assert every - seen.templates == set()


def test_a_query_in_a_template_is_noticed(own_app: Flask) -> None:
    def planted() -> Any:
        return db.session.execute(sa.text("SELECT 'planted'")).scalar_one()

    own_app.jinja_env.globals["json_url"] = planted
    with watching(own_app) as watch:
        assert (
            own_app.test_client().get("/project/default/sessions?q=user:nobody").status_code == 200
        )
    assert set(watch.statements) == {"SELECT 'planted'"}


def test_every_static_url_of_every_page_has_the_hash_of_its_file_and_is_kept(
    seen: Seen, client: FlaskClient
) -> None:
    urls: set[str] = set()
    for path, text in seen.pages:
        shown = set(_URL.findall(text))
        assert "· Tracer</title>" not in text or len(shown) >= 5, path
        urls |= shown
    files = {urlsplit(url).path.removeprefix("/static/") for url in urls}
    assert {"favicon.svg", "icons.svg", "css/base.css", "js/trace/live.js"} <= files
    for url in urls:
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        content = (STATIC / path.removeprefix("/static/")).read_bytes()
        assert query == {"v": [hashlib.blake2s(content, digest_size=4).hexdigest()]}, url
        with client.get(url) as answer:
            sent = shortened(content.decode()).encode() if path.endswith(".css") else content
            assert answer.data == sent
            assert answer.headers["Cache-Control"] == IMMUTABLE, url


def test_every_page_loads_the_style_sheets_that_it_uses_and_no_other(seen: Seen) -> None:
    sheets = style_sheets()
    loaded: dict[str, set[str]] = {}
    used: dict[str, set[str]] = {}
    fragments: list[tuple[str, set[str]]] = []
    for path, text in seen.pages:
        classes = {name for names in _CLASS.findall(text) for name in names.split()}
        # A page may show in another state what it loads a style sheet for.
        key = urlsplit(path).path
        if "· Tracer</title>" in text:
            loaded[key] = set(_SHEET.findall(text)) - {"tokens", "base"}
            assert needed(sheets, classes) <= loaded[key], path
            used[key] = used.get(key, set()) | classes
        elif key.startswith("/project/") and "<html" not in text:
            fragments.append(("/".join(key.split("/")[:5]), classes))
    assert len(fragments) > 10
    for path, classes in fragments:
        # htmx puts a fragment into the page of its trace or session, or into a list.
        page = path if path in loaded else LIST
        assert needed(sheets, classes) <= loaded[page], page
        used[page] |= classes
    assert len(loaded) > 30
    # An empty list has no rows to style.
    for path in [path for path in used if "/empty/" in path]:
        used[path] |= used.get(path.replace("/empty/", "/default/"), set())
    unused = [
        (path, name) for path in loaded for name in loaded[path] if not sheets[name] & used[path]
    ]
    assert unused == []


def style_sheets() -> dict[str, set[str]]:
    """Return the classes of each style sheet, but for the two that every page loads."""
    classes = {
        path.stem: set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"/\*.*?\*/", "", path.read_text())))
        for path in (STATIC / "css").glob("*.css")
    }
    everywhere = classes.pop("base") | classes.pop("tokens")
    return {sheet: names - everywhere for sheet, names in classes.items()}


def needed(sheets: dict[str, set[str]], classes: set[str]) -> set[str]:
    """Return the style sheets that alone have one of these classes."""
    owners = {name: [sheet for sheet in sheets if name in sheets[sheet]] for name in classes}
    return {owning[0] for owning in owners.values() if len(owning) == 1}
