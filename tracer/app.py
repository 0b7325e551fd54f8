"""The Flask application: configuration, extensions, blueprints, error pages, security headers."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, Response, current_app, g, render_template, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from tracer.assets import asset_dir
from tracer.config import Config, ConfigError
from tracer.extensions import db
from tracer.store.database.server import sqlalchemy_url
from tracer.web.ids import IdConverter, KeepEscapes
from tracer.web.otlp_paths import PlainOtlpPaths

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "style-src-attr 'unsafe-inline'",
            "img-src 'self' data:",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Misdirected(HTTPException):
    """A request under a host name that is not ours, as DNS rebinding makes a browser send it."""

    code = 421


def create_app(config: Config | None = None) -> Flask:
    """Return the application for ``config`` (None: the environment's).

    Raises ConfigError when there is no database URL: only ``tracer serve`` brings a database.
    """
    config = config or Config.from_env()
    if not config.database_url:
        raise ConfigError("DATABASE_URL is not set; `tracer serve` runs without one")
    app = Flask(
        "tracer",
        static_folder=str(asset_dir("static")),
        template_folder=str(asset_dir("templates")),
    )
    app.config.update(
        SQLALCHEMY_DATABASE_URI=sqlalchemy_url(config.database_url),
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_size": 4,
            "max_overflow": config.threads,
            "pool_timeout": 10,
            # Found stale after a restart of the database, a connection is replaced unseen.
            "pool_pre_ping": True,
            "connect_args": {"connect_timeout": 5},
        },
    )
    app.extensions["tracer.config"] = config
    app.url_map.converters["id"] = IdConverter
    db.init_app(app)
    _add_writer(app, config)
    _register(app)
    app.wsgi_app = KeepEscapes(PlainOtlpPaths(app.wsgi_app))  # type: ignore[method-assign]
    return app


def _add_writer(app: Flask, config: Config) -> None:
    from tracer.store.writing.writer import Writer

    with app.app_context():
        app.extensions["tracer.writer"] = Writer(db.engine, config.max_queue_spans)


def _register(app: Flask) -> None:
    from tracer.api import bp as api
    from tracer.ingestion import bp as ingestion
    from tracer.ui import bp as ui
    from tracer.ui import share_bp as share

    app.before_request(check_host)
    app.after_request(add_headers)
    app.register_error_handler(HTTPException, show_error)
    app.register_error_handler(OperationalError, show_unavailable)
    app.register_error_handler(PoolTimeout, show_unavailable)
    app.add_url_rule("/healthz", view_func=healthz)
    for blueprint in (ingestion, api, ui, share):
        app.register_blueprint(blueprint)


def check_host() -> None:
    """Refuse a Host header that names somebody else. Raises Misdirected."""
    config: Config = current_app.extensions["tracer.config"]
    name = _host_name(request.host)
    if name not in LOOPBACK_NAMES and name not in {config.host, *_names(config.allowed_hosts)}:
        raise Misdirected(
            f"This server is not known as “{name}”. Open it as http://127.0.0.1:{config.port}/,"
            " or start it with the name in TRACER_ALLOWED_HOSTS."
        )


@lru_cache(maxsize=1_000)
def _host_name(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip().lower())]


def add_headers(response: Response) -> Response:
    """Add the security headers, and let browsers keep what carries its version in its path."""
    if response.status_code == 304:
        # Its body is not sent, so nobody else closes the file that it would have been.
        response.close()
    # Few responses bring one of these: one look at each name's letters is enough.
    said = {name.lower() for name, _ in response.headers}
    response.headers.extend(
        (name, value) for name, value in SECURITY_HEADERS.items() if name.lower() not in said
    )
    if request.path.startswith("/static/vendor/") and response.status_code == 200:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def healthz() -> tuple[dict[str, str], int]:
    """Answer 200 when the database does; show_unavailable answers 503 otherwise."""
    db.session.execute(sa.select(1))
    return {"status": "ok"}, 200


def show_unavailable(error: Exception) -> Any:
    """Say that the database can't be reached just now."""
    return show_error(ServiceUnavailable("The database can't be reached just now.", retry_after=5))


def show_error(error: HTTPException) -> Any:
    """Return an HTTP error as a page, or as a problem document where programs ask."""
    from tracer.web.langfuse import routes
    from tracer.web.problems import http_problem

    if error.code is None or error.code < 400:
        return error
    if request.path.startswith(f"{routes.PREFIX}/"):
        return routes.http_refusal(error)
    if request.path.startswith(("/api/", "/v1/", "/healthz")) or request.path.endswith(".json"):
        return http_problem(error)
    if error.code >= 500:
        g.pop("project", None)  # its menu asks the database, which may be what's wrong
    page = render_template(
        "error.html", code=error.code, title=error.name, message=error.description
    )
    headers = [pair for pair in error.get_headers() if pair[0] != "Content-Type"]
    return page, error.code, headers
