"""X-Forwarded-* count from trusted proxies only; a prefix is part of every address of a page."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request
from hypothesis import given
from hypothesis import strategies as st

from tests.support.pages.sample_traces import agent_trace
from tracer.config import Config
from tracer.errors import ConfigError
from tracer.store.writing.writer import Writer
from tracer.web.incoming.forwarded import Proxies, checked_prefix

MakeApp = Callable[[Config], Flask]
FORWARDED = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "tracer.example.com",
    "X-Forwarded-Prefix": "/tracer",
}


@pytest.fixture
def seen(make_app: MakeApp, config: Config) -> Callable[..., dict[str, Any]]:
    """Send a request to an application with a trusted proxy; return what the view sees."""
    allowed = "tracer.example.com"
    app = make_app(
        dataclasses.replace(config, trusted_proxies="10.0.0.0/8, unix", allowed_hosts=allowed)
    )

    def see() -> dict[str, Any]:
        return {
            "address": request.remote_addr,
            "secure": request.is_secure,
            "root": request.script_root,
            "host": request.host,
        }

    app.add_url_rule("/static/see", view_func=see)

    def send(peer: str, headers: dict[str, str]) -> dict[str, Any]:
        answer = app.test_client().get(
            "/static/see", headers=headers, environ_overrides={"REMOTE_ADDR": peer}
        )
        assert answer.status_code == 200
        assert isinstance(answer.json, dict)
        return answer.json

    return send


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", ""])
def test_a_trusted_proxy_names_client_scheme_host_and_prefix(
    seen: Callable[..., dict[str, Any]], peer: str
) -> None:
    assert seen(peer, FORWARDED) == {
        "address": "198.51.100.7",
        "secure": True,
        "root": "/tracer",
        "host": "tracer.example.com",
    }


@pytest.mark.parametrize("peer", ["127.0.0.1", "192.0.2.1", "11.0.0.1", "::1"])
def test_what_others_send_does_not_count(seen: Callable[..., dict[str, Any]], peer: str) -> None:
    plain = {"address": peer, "secure": False, "root": "", "host": "localhost"}
    assert seen(peer, FORWARDED) == plain


@pytest.mark.parametrize(
    ("sent", "client"),
    [
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("nonsense", "10.1.2.3"),
        ("", "10.1.2.3"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy(
    seen: Callable[..., dict[str, Any]], sent: str, client: str
) -> None:
    assert seen("10.1.2.3", {"X-Forwarded-For": sent})["address"] == client


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example/x"},
        {"X-Forwarded-Host": "a b"},
        {"X-Forwarded-Prefix": "//evil.example"},
        {"X-Forwarded-Prefix": "/a/../b c"},
        {"X-Forwarded-Prefix": "https://evil.example"},
        {"X-Forwarded-Proto": "gopher"},
    ],
)
def test_a_malformed_header_is_ignored(
    seen: Callable[..., dict[str, Any]], headers: dict[str, str]
) -> None:
    plain = {"address": "10.1.2.3", "secure": False, "root": "", "host": "localhost"}
    assert seen("10.1.2.3", headers) == plain


def test_a_host_that_is_not_allowed_is_refused_from_a_proxy_as_well(
    make_app: MakeApp, config: Config
) -> None:
    app = make_app(dataclasses.replace(config, trusted_proxies="127.0.0.1"))
    headers = {"X-Forwarded-Host": "evil.example"}
    assert app.test_client().get("/healthz", headers=headers).status_code == 421


@given(st.text(max_size=60))
def test_any_text_in_the_header_gives_the_peer_or_an_address(text: str) -> None:
    client = Proxies("10.0.0.0/8").client("10.1.2.3", text)
    assert client == "10.1.2.3" or re.fullmatch(r"[0-9a-fA-F.:%\w]+", client)


@pytest.mark.parametrize("wrong", ["tracer", "/a b", "/a//b", "http://x/", "/a?b"])
def test_a_prefix_that_is_no_path_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="TRACER_URL_PREFIX"):
        checked_prefix(wrong)


def test_proxies_that_are_no_addresses_are_refused() -> None:
    with pytest.raises(ConfigError, match="TRACER_TRUSTED_PROXIES: 'nginx'"):
        Proxies("127.0.0.1, nginx")


@pytest.mark.parametrize("passed_on", [True, False])
def test_below_a_prefix_every_address_of_a_page_has_it(
    make_app: MakeApp, config: Config, writer: Writer, passed_on: bool
) -> None:
    writer.write("default", agent_trace().batch)
    app = make_app(dataclasses.replace(config, url_prefix="/tracer/"))
    client = app.test_client()
    trace = f"/project/default/traces/{'a' * 32}"
    older = client.get("/tracer/project/default/traces?status=error")
    assert str(older.location).startswith("/tracer/project/default/traces?q=")
    pages = ["/project/default/traces?q=status:error", trace, "/project/default/sessions"]
    pages += ["/project/default/settings", "/project/default/prices/new", f"{trace}/log"]
    for path in pages:
        answer = client.get(f"/tracer{path}" if passed_on else path)
        assert answer.status_code == 200, path
        addresses = re.findall(r'(?:href|action|src|hx-get|hx-post)="(/[^"]*)"', answer.text)
        assert len(addresses) > 5
        assert [a for a in addresses if not a.startswith("/tracer/")] == [], path
    assert client.get("/tracer/").location == "/tracer/project/default/traces"


def test_below_a_prefix_ids_with_a_slash_arrive(
    make_app: MakeApp, config: Config, store_slashed: str
) -> None:
    app = make_app(dataclasses.replace(config, url_prefix="/tracer"))
    raw = f"/tracer/project/default/traces/{store_slashed}"
    answer = app.test_client().get(raw, environ_overrides={"RAW_URI": raw})
    assert answer.status_code == 200


@pytest.fixture
def store_slashed(writer: Writer) -> str:
    """Store a trace with the id a/b; return the id as it stands in a path."""
    batch = agent_trace().batch
    for trace in batch.traces:
        trace.trace_id = "a/b"
    for span in batch.spans:
        span.trace_id = "a/b"
    assert writer.write("default", batch) == []
    return "a%2Fb"
