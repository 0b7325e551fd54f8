"""An application for a test, which ends with its threads and connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache

from tracer.app import create_app
from tracer.config import Config
from tracer.extensions import db
from tracer.store.writing.writer import Writer
from tracer.web.services import add_services, services


class _CompiledTemplates(BytecodeCache):
    """Templates that an application has compiled, for the later applications of this process."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill ``bucket`` with the compiled template, if its source is still the same."""
        if compiled := self._compiled.get(bucket.key):
            bucket.bytecode_from_string(compiled)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Remember a template that was compiled."""
        self._compiled[bucket.key] = bucket.bytecode_to_string()


_TEMPLATES: Final = _CompiledTemplates()


# Applications that no test uses at the moment, the longest unused first.
_FREE: Final[dict[Config, Flask]] = {}
_MAX_FREE: Final = 3


@contextmanager
def application(config: Config) -> Iterator[Flask]:
    """Make an application that ends with the block."""
    app = _make(config)
    try:
        yield app
    finally:
        _stop(app)
        _disconnect(app)


@contextmanager
def reused_application(config: Config) -> Iterator[Flask]:
    """Give an application that may have served earlier tests with the same settings.

    It has new services, and connections whose statements are planned already: a third of the
    processor time of the pages' tests. A test that changes the application itself fails: it needs
    an application of its own, the fixture `own_app`.
    """
    app = _FREE.pop(config, None)
    if app is None:
        app = _make(config)
    else:
        with app.app_context():
            writer = Writer(db.engine, config.max_queue_spans)
            add_services(app, config, writer, services(app).replica)
    state = _state(app)
    try:
        yield app
    finally:
        _stop(app)
        assert _state(app) == state, (
            "the test changed the application: it needs the fixture own_app"
        )
        _FREE[config] = app
        while len(_FREE) > _MAX_FREE:
            _disconnect(_FREE.pop(next(iter(_FREE))))


def _make(config: Config) -> Flask:
    app = create_app(config)
    app.jinja_env.bytecode_cache = _TEMPLATES
    return app


def _state(app: Flask) -> dict[str, Any]:
    """Return what a test might change of an application, to compare it afterwards."""
    return {
        "config": dict(app.config),
        "globals": dict(app.jinja_env.globals),
        "folders": (app.static_folder, app.template_folder),
        "rules": sum(1 for _ in app.url_map.iter_rules()),
        "middleware": app.wsgi_app,
    }


def _stop(app: Flask) -> None:
    """End the application's threads and its open transaction."""
    services(app).writer.close()
    with app.app_context():
        db.session.remove()


def _disconnect(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()
