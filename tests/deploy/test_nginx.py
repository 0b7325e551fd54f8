"""`deploy/nginx.conf` in a real nginx, in front of two server families on one database."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import sync_playwright

from tests.support.access.members import PASSWORD
from tests.support.http import free_port, is_healthy
from tests.support.nginx import NAME, PROGRAM, Nginx, nginx
from tests.support.pages.browser import ARGUMENTS, CHROMIUM, TIMEOUT_MS
from tests.support.paths import ROOT
from tests.support.serving import Serve, environ, serving
from tests.support.waiting import wait_until
from tracer.store.members.attempts import PER_ACCOUNT

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no nginx: apt-get install nginx")

OWNER = "ada@example.com"
SETTINGS = {
    "TRACER_ALLOWED_HOSTS": NAME,
    "TRACER_TRUSTED_PROXIES": "127.0.0.1",
    "TRACER_LOGIN": "always",
    "TRACER_INIT_OWNER_EMAIL": OWNER,
    "TRACER_INIT_OWNER_PASSWORD": PASSWORD,
    "TRACER_INIT_PROJECT_ID": "shop",
    "TRACER_INIT_PROJECT_PUBLIC_KEY": "pk-shop",
    "TRACER_INIT_PROJECT_SECRET_KEY": "sk-shop-0123456789",
}
KEY = {"Authorization": "Bearer sk-shop-0123456789"}
PREFIX = """
    location /tracer/ {
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Prefix /tracer;
        proxy_pass http://tracer/;
    }
"""
SPAN = {
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "spanId": "b7ad6b7169203331",
    "name": "through TLS",
    "startTimeUnixNano": "1767225600000000000",
    "endTimeUnixNano": "1767225601000000000",
}
BODY = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}
GROWING = "c" * 32


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[str]:
    """A database for the module."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE behind_nginx")
        yield postgres_url.replace("/postgres?", "/behind_nginx?")
        connection.execute("DROP DATABASE behind_nginx WITH (FORCE)")


@pytest.fixture(scope="module")
def family(database: str) -> Iterator[Serve]:
    """`tracer serve` on the database."""
    with serving("--workers", "1", **SETTINGS, DATABASE_URL=database) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(family: Serve, database: str, data_dirs: Path) -> Iterator[Nginx]:
    """nginx in front of two families on one database: `tracer serve`, and gunicorn by itself."""
    port = free_port()
    with (
        unit("tracer-web", database, f"127.0.0.1:{port}"),
        unit("tracer-worker", database) as worker,
        nginx(data_dirs / "nginx", [family.port, port], more=PREFIX) as running,
    ):
        wait_until(lambda: is_healthy(f"http://127.0.0.1:{port}"))
        yield running
        assert worker.poll() is None


@contextmanager
def unit(name: str, database: str, bind: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run the command of a systemd unit, on this address instead of its own."""
    text = (ROOT / f"deploy/{name}.service").read_text().replace("\\\n", "")
    [line] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    line = line.replace("127.0.0.1:4318", bind).replace("--workers 4", "--workers 1")
    program, *arguments = shlex.split(line.partition("=")[2])
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", Path(program).name, *arguments],
        cwd=ROOT,
        env=environ(**SETTINGS, DATABASE_URL=database),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(60) == 0


@pytest.fixture
def client(proxy: Nginx) -> Iterator[httpx.Client]:
    """A client of nginx under the server's name, as a browser on the same site."""
    headers = {"Host": NAME, "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=proxy.url, headers=headers, verify=False, timeout=60) as made:
        yield made


def log_in(client: httpx.Client, password: str = PASSWORD, **form: str) -> httpx.Response:
    return client.post("/login", data={"address": OWNER, "password": password, **form})


def test_a_login_through_tls_holds_on_both_families(client: httpx.Client) -> None:
    answer = log_in(client, next="/project/default/traces")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/project/default/traces"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-tracer_session=")
    assert "Secure" in cookie
    assert "max-age=" in answer.headers["Strict-Transport-Security"]
    # The cookie is for the name, which is not the address that the client connects to.
    session = {"Cookie": cookie.partition(";")[0]}
    statuses = {client.get("/account", headers=session).status_code for _ in range(8)}
    assert statuses == {200}


def test_plain_http_leads_to_https(proxy: Nginx) -> None:
    answer = httpx.get(f"http://127.0.0.1:{proxy.plain_port}/x?y=1", headers={"Host": NAME})
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{NAME}/x?y=1")


def test_a_trace_grows_on_its_page_while_spans_arrive(client: httpx.Client, proxy: Nginx) -> None:
    if not CHROMIUM:
        pytest.skip("no Chromium: apt-get install chromium")
    now = time.time_ns()
    send(client, "root", startTimeUnixNano=str(now), traceId=GROWING)
    resolve = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, resolve])
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(f"https://{NAME}:{proxy.port}/project/shop/traces/{GROWING}")
        page.get_by_label("Address").fill(OWNER)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("treeitem", name="root").wait_for()
        parent = hashlib.md5(b"root", usedforsecurity=False).hexdigest()[:16]
        send(client, "later", startTimeUnixNano=str(now), traceId=GROWING, parentSpanId=parent)
        page.get_by_role("treeitem", name="later").wait_for()
        browser.close()


@pytest.mark.slow
def test_a_trace_of_100_megabytes_is_exported_without_being_kept_by_nginx(
    client: httpx.Client, proxy: Nginx
) -> None:
    trace = "e" * 32
    for number in range(100):
        text = base64.b64encode(os.urandom(750_000)).decode()
        value = {"key": "input.value", "value": {"stringValue": text}}
        send(client, f"part {number}", traceId=trace, attributes=[value])
    received = 0
    path = f"/api/v1/traces/{trace}/export?format=json"
    with client.stream("GET", path, headers=KEY, timeout=300) as answer:
        assert answer.status_code == 200
        for piece in answer.iter_raw():
            received += len(piece)
    assert received > 100_000_000
    assert "upstream response is buffered" not in proxy.errors.read_text()


def send(client: httpx.Client, name: str, **changed: Any) -> None:
    """Send a span with OTLP; its id is made of the name."""
    span_id = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:16]
    span = {**SPAN, "name": name, "spanId": span_id, **changed}
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    assert client.post("/v1/traces", json=body, headers=KEY).status_code == 200


def test_another_host_is_refused(client: httpx.Client) -> None:
    assert client.get("/login", headers={"Host": "evil.example"}).status_code == 421


def test_spans_arrive_through_tls_and_are_read_at_once_from_either_family(
    client: httpx.Client,
) -> None:
    assert client.post("/v1/traces", json=BODY, headers=KEY).status_code == 200
    for _ in range(8):
        path = f"/api/v1/traces/{SPAN['traceId']}"
        assert client.get(path, headers=KEY).status_code == 200
    assert client.post("/v1/traces", json=BODY).status_code == 401


def test_http_2_is_spoken(proxy: Nginx) -> None:
    command = ["curl", "-sk", "--http2", "-o", "/dev/null", "-w", "%{http_version}", proxy.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "2"


def test_ipv6_is_served(proxy: Nginx) -> None:
    answer = httpx.get(
        f"https://[::1]:{proxy.port}/health",
        headers={"Host": NAME},
        verify=False,
    )
    assert answer.json() == {"status": "ok"}


def test_a_body_that_is_too_large_is_cut_by_nginx(client: httpx.Client) -> None:
    answer = client.post("/v1/traces", content=b"x" * (64 * 1024 * 1024 + 1), headers=KEY)
    assert answer.status_code == 413


def test_static_files_are_kept_for_ever_and_compressed(client: httpx.Client) -> None:
    page = client.get("/login").text
    [address] = [part for part in page.split('"') if part.startswith("/static/css/base.css")]
    answer = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"


def test_what_a_client_forwards_does_not_count(client: httpx.Client, proxy: Nginx) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Prefix": "/evil"}
    answer = client.get("/project/default/traces", headers=forged)
    assert answer.headers["Location"].startswith("/login?")
    line = json.loads(proxy.log.read_text().splitlines()[-1])
    assert line["request_id"] == answer.headers["X-Request-Id"]


def test_below_a_prefix_pages_stay_below_it(client: httpx.Client) -> None:
    answer = client.get("/tracer/project/default/traces")
    assert answer.headers["Location"].startswith("/tracer/login?next=/tracer/project")
    page = client.get("/tracer/login").text
    assert 'action="/tracer/login"' in page
    assert (
        client.post("/tracer/login", data={"address": OWNER, "password": PASSWORD})
        .headers["Set-Cookie"]
        .startswith("__Secure-tracer_session=")
    )


def test_metrics_are_not_for_everybody(client: httpx.Client) -> None:
    assert client.get("/metrics").status_code == 401


def test_a_price_and_a_deletion_hold_on_both_families_at_once(client: httpx.Client) -> None:
    rates = {"model": "house-model", "rates": {"base": {"input": 2}}}
    assert client.post("/api/v1/prices", json=rates, headers=KEY).status_code == 201
    usage = [
        {"key": "gen_ai.request.model", "value": {"stringValue": "house-model"}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "3000000"}},
    ]
    for number in range(6):
        trace = f"{number + 1:032x}"
        send(client, "call", traceId=trace, attributes=usage)
        path = f"/api/v1/traces/{trace}"
        assert client.get(path, headers=KEY).json()["total_cost"] == 6.0
        assert client.delete(path, headers=KEY).status_code == 200
        for _ in range(2):
            # A late span of a deleted trace, by either family.
            send(client, "late", traceId=trace)
            assert client.get(path, headers=KEY).status_code == 404


def test_logs_hold_no_secret(client: httpx.Client, proxy: Nginx, family: Serve) -> None:
    secret = "a-very-secret-token"
    client.post("/login", data={"address": "bob@example.com", "password": secret})
    for path in ("share/{}/traces/x", "invitation/{}", "password/{}", "first-owner?code={}"):
        client.get("/" + path.format(secret))
        client.get("/tracer/" + path.format(secret))
    client.get("/project/default/traces", params={"q": secret}, headers=KEY)
    client.post("/v1/traces", json=BODY, headers={"Authorization": f"Bearer {secret}"})
    client.get("/account", headers={"Cookie": f"__Host-tracer_session={secret}"})
    logged = proxy.log.read_text() + proxy.errors.read_text() + family.printed()
    assert '"path":"/invitation/..."' in logged
    for hidden in (secret, PASSWORD, KEY["Authorization"].split()[1]):
        assert hidden not in logged


def test_logins_of_an_address_are_limited_by_nginx_as_well(proxy: Nginx) -> None:
    # Over IPv6: the limit is per address, and the other tests have theirs.
    with httpx.Client(headers={"Host": NAME}, verify=False) as client:
        statuses = (client.get(f"https://[::1]:{proxy.port}/login").status_code for _ in range(200))
        # One more is allowed every two seconds, so a slow machine needs more requests.
        assert 429 in statuses


def test_tries_are_counted_over_both_families(client: httpx.Client) -> None:
    statuses = [log_in(client, "wrong").status_code for _ in range(PER_ACCOUNT + 3)]
    assert statuses == [401] * (PER_ACCOUNT - 1) + [429] * 4
    assert log_in(client).status_code == 429
