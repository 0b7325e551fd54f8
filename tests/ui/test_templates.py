"""Templates: each is used, and none of them runs a query while it renders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.signals import before_render_template, template_rendered
from flask.testing import FlaskClient

import tracer.ui
from tests.support.pages.every_page import addresses, fill, see_everything
from tests.support.pages.requests import StoreTraces
from tracer.assets import asset_dir
from tracer.extensions import db

TEMPLATES = asset_dir("templates")
ROOMS = Path(tracer.ui.__file__).parent
MAX_LINE = 140


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


def queries(client: FlaskClient, watch: Watch, paths: list[str]) -> dict[str, list[str]]:
    """Return the statements that templates ran, by address."""
    statements: dict[str, list[str]] = {}
    for path, _ in see_everything(client, paths):
        if watch.statements:
            statements.setdefault(path, []).extend(watch.statements)
            watch.statements.clear()
    return statements


def test_templates_are_in_the_rooms_of_the_pages() -> None:
    paths = [path.relative_to(TEMPLATES) for path in TEMPLATES.rglob("*.html")]
    assert len(paths) > 60
    rooms = {path.name for path in ROOMS.iterdir() if (path / "__init__.py").exists()}
    assert {path.parent.as_posix() for path in paths} <= rooms


def test_the_lines_of_templates_are_short() -> None:
    long = [
        f"{path.relative_to(TEMPLATES)}:{number}"
        for path in TEMPLATES.rglob("*.html")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > MAX_LINE
    ]
    assert long == []


def test_no_template_runs_a_query_and_each_is_used(
    app: Flask, client: FlaskClient, store_traces: StoreTraces
) -> None:
    paths = addresses(app, fill(app, store_traces))
    with watching(app) as watch:
        assert queries(client, watch, paths) == {}
    every = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html")}
    assert every - watch.templates == set()


def test_a_query_in_a_template_is_noticed(app: Flask, client: FlaskClient) -> None:
    def planted() -> Any:
        return db.session.execute(sa.text("SELECT 'planted'")).scalar_one()

    app.jinja_env.globals["json_url"] = planted
    with watching(app) as watch:
        assert client.get("/project/default/sessions?q=user:nobody").status_code == 200
    assert set(watch.statements) == {"SELECT 'planted'"}
