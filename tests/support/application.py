"""An application for a test, which ends with its threads and connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache

from tracer.app import create_app
from tracer.config import Config
from tracer.extensions import db
from tracer.web.services import services


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


@contextmanager
def application(config: Config) -> Iterator[Flask]:
    """Make an application that ends with the block."""
    app = create_app(config)
    app.jinja_env.bytecode_cache = _TEMPLATES
    try:
        yield app
    finally:
        services(app).writer.close()
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
