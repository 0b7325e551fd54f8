"""`deploy/nginx.conf` in a real nginx, in front of two server families on one database."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.access.members import PASSWORD
from tests.support.nginx import NAME, PROGRAM, Nginx, nginx
from tests.support.serving import serving
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
TRACE = f"/project/shop/traces/{SPAN['traceId']}"


@pytest.fixture(scope="module")
def database(postgres_url: str) -> Iterator[str]:
    """A database for the module."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE behind_nginx")
        yield postgres_url.replace("/postgres?", "/behind_nginx?")
        connection.execute("DROP DATABASE behind_nginx WITH (FORCE)")


@pytest.fixture(scope="module")
def proxy(database: str, data_dirs: Path) -> Iterator[Nginx]:
    """nginx in front of two families on one database."""
    settings = {**SETTINGS, "DATABASE_URL": database}
    with (
        serving("--workers", "1", **settings) as first,
        serving("--workers", "1", **settings) as second,
        nginx(data_dirs / "nginx", [first.port, second.port], more=PREFIX) as running,
    ):
        yield running


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


def test_tries_are_counted_over_both_families(client: httpx.Client) -> None:
    statuses = [log_in(client, "wrong").status_code for _ in range(PER_ACCOUNT + 3)]
    assert statuses == [401] * (PER_ACCOUNT - 1) + [429] * 4
    assert log_in(client).status_code == 429
