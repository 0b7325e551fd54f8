"""The application: allowed hosts, headers of every response, errors, static files, ids in paths."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from tracer.app import SECURITY_HEADERS, create_app
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.web.ids import IdConverter, KeepEscapes


def test_a_healthy_database_is_a_healthy_server(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_without_its_database_the_server_names_the_time_to_retry(
    make_app: Callable[[Config], Flask], config: Config
) -> None:
    gone = config.database_url.replace("/tests?", "/no_such_database?")
    app = make_app(dataclasses.replace(config, database_url=gone))
    answer = app.test_client().get("/healthz")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.content_type == "application/problem+json"


def test_without_a_database_url_there_is_no_app() -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL is not set"):
        create_app(Config())


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:4318", "[::1]:80", "LOCALHOST:1"])
def test_loopback_host_names_are_accepted_on_any_port(client: FlaskClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:4318", "10.0.0.1"])
def test_another_host_name_is_refused_as_dns_rebinding_would_send_it(
    client: FlaskClient, host: str
) -> None:
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "TRACER_ALLOWED_HOSTS" in answer.text


def test_a_malformed_host_header_is_refused(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"Host": "a b"}).status_code == 421


def test_further_host_names_can_be_allowed(
    make_app: Callable[[Config], Flask], config: Config
) -> None:
    allowed = dataclasses.replace(config, allowed_hosts="tracer.example, other.example")
    client = make_app(allowed).test_client()
    assert client.get("/healthz", headers={"Host": "tracer.example"}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/api/v1/nowhere"])
def test_every_response_has_the_security_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_an_unknown_page_is_an_html_404(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert answer.content_type.startswith("text/html")
    assert "<h1>Not Found</h1>" in answer.text


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/v1/nowhere"])
def test_an_unknown_api_route_is_a_problem_document(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == 404  # type: ignore[index]


def test_an_internal_error_is_a_page_without_details(own_app: Flask) -> None:
    def fault() -> str:
        raise RuntimeError("secret")

    own_app.add_url_rule("/fault", view_func=fault)
    answer = own_app.test_client().get("/fault")
    assert answer.status_code == 500
    assert "secret" not in answer.text


@pytest.fixture(scope="module")
def echo() -> Flask:
    """An application whose one route returns the id of its path."""
    app = Flask("echo")
    app.url_map.converters["id"] = IdConverter
    app.add_url_rule("/x/<id:name>/y", "echo", lambda name: {"id": name})
    app.wsgi_app = KeepEscapes(app.wsgi_app)  # type: ignore[method-assign]
    return app


# No dot segments, which clients resolve themselves, and no surrogates, which no URL can carry.
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=800).filter(
    lambda text: text not in (".", "..")
)


@given(name=IDS)
def test_any_id_comes_back_from_the_url_that_is_built_for_it(echo: Flask, name: str) -> None:
    with echo.test_request_context():
        url = echo.url_for("echo", name=name)
    assert echo.test_client().get(url).json == {"id": name}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/x/a%2Fb/y", "a/b"),
        ("/x/a%2fb/y", "a/b"),
        ("/x/%252F/y", "%2F"),
        ("/x/100%25/y", "100%"),
        ("/x/a+b%20c%3Fd/y?e=%2F", "a+b c?d"),
        ("/x/%C3%A9/y", "é"),
    ],
)
def test_an_escaped_slash_belongs_to_the_id(echo: Flask, path: str, name: str) -> None:
    assert echo.test_client().get(path).json == {"id": name}


@pytest.mark.parametrize("path", ["/x/a/b/y", f"/x/{'a' * 801}/y", "/x//y"])
def test_a_path_that_is_no_single_id_is_not_found(echo: Flask, path: str) -> None:
    assert echo.test_client().get(path, follow_redirects=True).status_code == 404


def test_a_server_without_the_raw_path_still_gives_plain_ids(echo: Flask) -> None:
    environ = EnvironBuilder("/x/50%25/y").get_environ()
    del environ["RAW_URI"]
    assert echo.test_client().open(environ).json == {"id": "50%"}
