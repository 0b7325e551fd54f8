"""The Flask application: configuration, extensions, blueprints, error pages, security headers."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import BadHost, HTTPException, NotFound, SecurityError

from tracer import exact_json
from tracer.assets import asset_dir
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.extensions import db
from tracer.store.database.background_upgrade import application_name
from tracer.store.database.replica import Replica
from tracer.store.database.server import known_revisions, sqlalchemy_url
from tracer.store.database.session import (
    OUT_OF_RANGE,
    UNREACHABLE,
    bound_waits,
    out_of_range,
    unavailable,
)
from tracer.store.writing.writer import Writer
from tracer.web.access.check import check_access, record_change
from tracer.web.cors import allow_origin
from tracer.web.ids import IdConverter, KeepEscapes
from tracer.web.incoming.body_budget import release_body
from tracer.web.incoming.forwarded import Forwarded, Proxies, checked_prefix
from tracer.web.incoming.otlp_paths import PlainOtlpPaths
from tracer.web.incoming.request_ids import assign_request_id, send_request_id
from tracer.web.incoming.requests import CleanRequest
from tracer.web.monitoring import health, metrics, self_tracing
from tracer.web.monitoring.logs import log_trouble
from tracer.web.oidc.provider import provider_of
from tracer.web.refusals import note_error, store_refusal
from tracer.web.replica import choose_database, remember_change
from tracer.web.services import add_services, services
from tracer.web.url_rules import LazyRule

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "style-src-attr 'unsafe-inline'",
            "img-src 'self' data:",
            "media-src 'self' data:",
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
_API_PATHS: Final = ("/api/", "/v1/", "/health", "/ready", "/metrics")
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Misdirected(HTTPException):
    """A request whose Host header names another server, as after DNS rebinding in a browser."""

    code = 421


class _Application(Flask):
    """The application; remembers the error of a refused request, for every API."""

    url_rule_class = LazyRule

    def handle_user_exception(self, e: Exception) -> Any:
        """Remember the reason, then call the registered handler."""
        note_error(e)
        return super().handle_user_exception(e)


def create_app(config: Config | None = None) -> Flask:
    """Return the application for ``config`` (None: the settings of the environment).

    Raises ConfigError without a database URL: only ``tracer serve`` starts a database itself.
    """
    config = config or Config.from_env()
    if not config.database_url:
        raise ConfigError("DATABASE_URL is not set; `tracer serve` runs without one")
    app = _Application(
        "tracer",
        static_folder=str(asset_dir("static")),
        template_folder=str(asset_dir("templates")),
    )
    app.config.update(
        SQLALCHEMY_DATABASE_URI=sqlalchemy_url(config.database_url),
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(config),
    )
    provider_of(config.login)  # raises ConfigError for one that can't be used
    app.request_class = CleanRequest
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes
    app.url_map.converters["id"] = IdConverter
    db.init_app(app)
    with app.app_context():
        bound_waits(db.engine)
        add_services(app, config, Writer(db.engine, config.max_queue_spans), _replica(config))
    _register(app)
    if self_tracing.is_enabled():
        self_tracing.SelfTracing(app, config)
    app.wsgi_app = Forwarded(  # type: ignore[method-assign]
        KeepEscapes(PlainOtlpPaths(app.wsgi_app)),
        Proxies(config.trusted_proxies),
        checked_prefix(config.url_prefix),
    )
    return app


def _engine_options(config: Config) -> dict[str, Any]:
    return {
        "pool_size": 4,
        "json_serializer": exact_json.encode_ascii,
        "json_deserializer": exact_json.decode,
        # With the two writers' own connections, as many as threads and four more.
        "max_overflow": max(config.threads - 2, 0),
        "pool_timeout": 10,
        # After a restart of the database, stale connections are replaced before they are used.
        "pool_pre_ping": True,
        "connect_args": {
            "connect_timeout": 5,
            "application_name": application_name(known_revisions()[-1]),
        },
    }


def _replica(config: Config) -> Replica | None:
    if not config.read_database_url:
        return None
    return Replica(sqlalchemy_url(config.read_database_url), _engine_options(config))


def _register(app: Flask) -> None:
    from tracer.api import bp as api
    from tracer.ingestion import bp as ingestion
    from tracer.ui import bp as ui
    from tracer.ui import share_bp as share
    from tracer.ui.base.errors import show_refusal
    from tracer.web.problems import STATUS

    app.teardown_request(release_body)
    app.before_request(metrics.start_clock)
    app.before_request(assign_request_id)
    app.before_request(check_path)
    app.before_request(check_host)
    app.before_request(check_access)
    app.before_request(choose_database)
    app.after_request(log_trouble)
    app.after_request(metrics.count_request)
    app.after_request(send_request_id)
    app.after_request(add_headers)
    app.after_request(store_refusal)
    app.after_request(allow_origin)
    app.after_request(record_change)
    app.after_request(remember_change)
    app.register_error_handler(HTTPException, show_error)
    # The APIs register handlers of their own, which come first.
    for kind in STATUS:
        app.register_error_handler(kind, show_refusal)
    for library_error in UNREACHABLE:
        app.register_error_handler(library_error, answer_unavailable)
    for data_error in OUT_OF_RANGE:
        app.register_error_handler(data_error, answer_out_of_range)
    for blueprint in (ingestion, api, ui, share, health.bp, metrics.bp):
        app.register_blueprint(blueprint)


def check_path() -> None:
    """Raise NotFound for a path that no stored name or id can match."""
    if "\x00" in request.path:
        raise NotFound


def check_host() -> None:
    """Raise Misdirected if the Host header does not name this server."""
    config = services().config
    name = _host_name(request.host)
    is_known = name in LOOPBACK_NAMES or name in {config.host, *config.allowed_names}
    # With a login, an IP address is harmless: DNS rebinding needs a name.
    if not is_known and not (config.needs_login and _is_address(name)):
        raise Misdirected(
            f"This server is not known as “{name}”. Open it as http://127.0.0.1:{config.port}/,"
            " or start it with the name in TRACER_ALLOWED_HOSTS."
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1_000)
def _host_name(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


def add_headers(response: Response) -> Response:
    """Add the security headers."""
    if response.status_code == 304:
        # The body is not sent, so the WSGI server does not close its file.
        response.close()
    # Headers that a view has set itself are kept.
    present = {name.lower() for name, _ in response.headers}
    response.headers.extend(
        (name, value) for name, value in SECURITY_HEADERS.items() if name.lower() not in present
    )
    return response


def answer_unavailable(error: Exception) -> Any:
    """Return the response to StoreUnavailable for an error of a database library."""
    return current_app.handle_user_exception(unavailable(error))


def answer_out_of_range(error: Exception) -> Any:
    """Return 400 for a number or a time in the request that is out of the database's range.

    For values that the route itself does not check.
    """
    return current_app.handle_user_exception(out_of_range(error))


def show_error(error: HTTPException) -> Any:
    """Return an HTTP error as a page, or as a problem document for API paths."""
    from tracer.ui.base.rendering import render
    from tracer.web.langfuse import routes
    from tracer.web.problems import http_problem

    if error.code is None or error.code < 400:
        return error
    if request.path.startswith(f"{routes.PREFIX}/"):
        return routes.http_refusal(error)
    if request.path.startswith(_API_PATHS) or request.path.endswith(".json"):
        return http_problem(error)
    if error.code >= 500:
        g.pop("project", None)  # the project menu needs the database, which may be the cause
    if isinstance(request.routing_exception, (BadHost, SecurityError)):
        # An invalid Host header: without a host, the links of a page can't be built.
        return http_problem(error)
    page = render("base/error.html", code=error.code, title=error.name, message=error.description)
    headers = [pair for pair in error.get_headers() if pair[0] != "Content-Type"]
    return page, error.code, headers
