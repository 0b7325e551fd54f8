"""Two versions beside each other on one database, behind nginx, while the schema is upgraded."""

from __future__ import annotations

import io
import itertools
import subprocess
import tarfile
import threading
from collections import Counter
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.http import free_port
from tests.support.nginx import NAME, PROGRAM, nginx
from tests.support.paths import ROOT
from tests.support.serving import Serve, serving
from tests.support.waiting import wait_until
from tracer.store.database.server import known_revisions

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAM is None, reason="no nginx: apt-get install nginx"),
]

MIGRATION_LOCK = 4318
KEY = {"Authorization": "Bearer sk-shop-0123456789", "Host": NAME}
SETTINGS = {
    "TRACER_ALLOWED_HOSTS": NAME,
    "TRACER_TRUSTED_PROXIES": "127.0.0.1",
    "TRACER_INIT_PROJECT_ID": "shop",
    "TRACER_INIT_PROJECT_PUBLIC_KEY": "pk-shop",
    "TRACER_INIT_PROJECT_SECRET_KEY": "sk-shop-0123456789",
}
PAGES = ("/project/shop", "/project/shop/traces", "/project/shop/sessions", "/health", "/ready")


class Client:
    """Sends spans and reads pages through nginx until it is stopped, as an exporter does."""

    def __init__(self, url: str) -> None:
        self.acknowledged: list[str] = []
        self.statuses: Counter[tuple[str, int]] = Counter()
        self._client = httpx.Client(base_url=url, headers=KEY, verify=False, timeout=60)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._client.close()

    def stop(self) -> None:
        """Send nothing more."""
        self._stopping.set()
        self._thread.join()

    def wait_for_more(self) -> None:
        """Return once more traces are acknowledged."""
        enough = len(self.acknowledged) + 20
        wait_until(lambda: len(self.acknowledged) >= enough, "further traces")

    def _run(self) -> None:
        numbers = itertools.count()
        while not self._stopping.is_set():
            self._send_and_read(next(numbers))

    def _send_and_read(self, number: int) -> None:
        trace_id = f"t{number}"
        answer = self._client.post("/api/v1/traces", json={"id": trace_id, "name": "rolling"})
        self.statuses["sent", answer.status_code] += 1
        if answer.status_code == 201:
            self.acknowledged.append(trace_id)
        for path in (PAGES[number % len(PAGES)], f"/api/v1/traces/{trace_id}"):
            read = self._client.get(path)
            if answer.status_code == 201 or path in PAGES:
                self.statuses[path.removesuffix(trace_id), read.status_code] += 1


def test_servers_are_replaced_one_after_the_other_without_a_failed_request(
    bare_url: str, data_dirs: Path, tmp_path: Path
) -> None:
    earlier = before_revision(known_revisions()[-1], tmp_path)
    if earlier is None:
        pytest.skip("no history: the repository is needed with its commits")
    ports = free_port(), free_port()
    settings = {**SETTINGS, "DATABASE_URL": bare_url}
    with (
        serving("--workers", "1", port=ports[0], code=earlier, **settings) as old,
        nginx(data_dirs / "rolling", list(ports)) as proxy,
        Client(proxy.url) as client,
    ):
        before = revision(bare_url)
        client.wait_for_more()
        with psycopg.connect(bare_url) as lock:
            # As if the migration took its time: the old version goes on alone.
            lock.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            started = Serve("--workers", "1", port=ports[1], **settings)
            client.wait_for_more()
            assert revision(bare_url) == before < known_revisions()[-1]
        try:
            started.wait_ready()
            assert revision(bare_url) == known_revisions()[-1]
            for server in (old, started):
                assert httpx.get(f"{server.url}/ready").status_code == 200
            client.wait_for_more()
            assert old.stop() == 0
            client.wait_for_more()
            refused = Serve("--workers", "1", code=earlier, **settings)
            assert refused.process.wait(120) != 0
            assert f"revision {known_revisions()[-1]} of a newer Tracer" in refused.output()
            with serving("--workers", "1", port=ports[0], **settings):
                client.wait_for_more()
                assert started.stop() == 0
                client.wait_for_more()
                client.stop()
        finally:
            if started.process.poll() is None:
                started.stop()
    failed = {key: number for key, number in client.statuses.items() if key[1] not in (200, 201)}
    assert failed == {}, proxy.errors.read_text()[-6000:]
    with psycopg.connect(bare_url) as connection:
        stored = connection.execute("SELECT trace_id FROM traces").fetchall()
    assert {trace_id for (trace_id,) in stored} >= set(client.acknowledged)


def revision(url: str) -> str:
    """Return the schema's revision."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert row is not None
    return str(row[0])


def before_revision(revision: str, directory: Path) -> Path | None:
    """Unpack the code of the commit before a migration was added; None: there is no history."""
    added = _git("log", "-1", "--format=%H", "--diff-filter=A", "--", f"migrations/*/{revision}_*")
    if not added:
        return None
    archive = _git("archive", "--format=tar", f"{added.decode().strip()}^")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(directory, filter="data")
    return directory if archive else None


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    return done.stdout
