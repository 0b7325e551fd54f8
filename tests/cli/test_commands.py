"""The command: one line and a failing status where it can't go on, and a family that stops well."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.http import free_port, get_bytes, is_healthy
from tests.support.serving import Serve, as_owner, run_tracer, serving
from tests.support.waiting import wait_until
from tracer.server.migrations import upgrade
from tracer.server.postgres import Embedded
from tracer.store.database.server import known_revisions


def assert_one_clear_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert a failure that says these words in one line of stderr, and no traceback."""
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


@pytest.fixture
def data_dir(data_dirs: Path) -> Iterator[Path]:
    """A data directory of the test's own, not made yet."""
    path = data_dirs / f"cli-{uuid.uuid4().hex[:8]}"
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def tcp_postgres(postgres: Embedded, data_dirs: Path) -> Iterator[int]:
    """The port of a server on TCP that asks for a password: role `someone`, password `right`."""
    embedded = Embedded(data_dirs / "tcp")
    embedded.start()
    with psycopg.connect(embedded.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE someone LOGIN PASSWORD 'right'")
    embedded.stop()
    port = free_port()
    hba = embedded.pgdata / "pg_hba.conf"
    hba.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    binary = Path(psutil.Process(pid_of(postgres)).exe())
    process = subprocess.Popen(
        [binary, "-D", embedded.pgdata, "-p", str(port), "-k", "", "-h", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **as_owner(embedded.pgdata),
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield port
    process.send_signal(signal.SIGINT)
    process.wait(10)


def pid_of(embedded: Embedded) -> int:
    postmaster = embedded.postmaster()
    assert postmaster is not None
    return postmaster.pid


def test_serve_says_what_it_does_and_where_it_is(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve:
        assert is_healthy(serve.url)
        assert serve.stop() == 0
        printed = serve.output()
    assert str(data_dir) in printed
    assert "PostgreSQL  18, started in" in printed
    assert f"empty → {known_revisions()[-1]}" in printed
    assert f"{serve.url}/v1/traces" in printed
    assert "Traceback" not in printed


def test_a_stop_answers_what_is_under_way_and_leaves_nothing_behind(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve:
        family = serve.members()
        embedded = Embedded(data_dir)
        postmaster = pid_of(embedded)
        statuses: list[int] = []
        body = b'{"name": "slow"}'
        with socket.create_connection(("127.0.0.1", serve.port)) as slow:
            slow.sendall(
                b"POST /api/v1/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
            time.sleep(0.3)
            stopping = threading.Thread(target=lambda: statuses.append(serve.stop()))
            stopping.start()
            time.sleep(0.3)
            slow.sendall(body)
            answer = slow.makefile("rb").read()
        stopping.join()
        assert b" 201 " in answer.splitlines()[0]
        assert statuses == [0]
        assert not psutil.pid_exists(postmaster)
        assert not any(process.is_running() for process in family)
    trace_id = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
    with serving(data_dir=data_dir) as again:
        assert b"slow" in get_bytes(f"{again.url}/api/v1/traces/{trace_id}")


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_a_closed_terminal_stop_the_whole_group_cleanly(
    bare_url: str, order: signal.Signals
) -> None:
    with serving("--database-url", bare_url) as serve:
        family = serve.members()
        os.killpg(serve.process.pid, order)
        assert serve.process.wait(30) == 0
        assert "Traceback" not in serve.output()
        assert not any(process.is_running() for process in family)


def test_started_twice_the_second_says_who_runs(served: Serve) -> None:
    where = ["--data-dir", str(served.data_dir)]
    second = run_tracer("serve", *where, "--port", str(free_port()))
    assert_one_clear_line(second, f"process {served.process.pid}", served.url, "--data-dir")
    assert is_healthy(served.url)


def test_a_port_in_use_is_said_before_anything_is_started(data_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run_tracer("serve", "--data-dir", str(data_dir), "--port", str(port))
    assert_one_clear_line(done, f"port {port} is in use", f"process {os.getpid()}", "--port")
    assert not (data_dir / "pg").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com"])
def test_a_host_that_others_can_reach_is_refused(data_dir: Path, host: str) -> None:
    done = run_tracer("serve", "--data-dir", str(data_dir), "--host", host)
    assert_one_clear_line(done, host, "loopback", "127.0.0.1")


def test_a_setting_that_makes_no_sense_is_named() -> None:
    assert_one_clear_line(run_tracer("serve", TRACER_WORKERS="many"), "TRACER_WORKERS='many'")


def test_a_flag_that_makes_no_sense_is_named() -> None:
    done = run_tracer("serve", "--port", "70000")
    assert done.returncode == 2
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_directory_that_cannot_be_written_is_said(data_dirs: Path) -> None:
    (data_dirs / "in-the-way").touch()
    done = run_tracer("serve", "--data-dir", str(data_dirs / "in-the-way" / "data"))
    assert_one_clear_line(done, "data directory", "in-the-way", "--data-dir")


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("someone:wrong", ("refuses the user or password", "someone:***@")),
        ("nobody:wrong", ("refuses the user or password",)),
        ("someone:right", ("no such database",)),
    ],
)
def test_a_refused_login_is_said_without_the_password(
    tcp_postgres: int, user: str, words: tuple[str, ...]
) -> None:
    url = f"postgresql://{user}@127.0.0.1:{tcp_postgres}/absent"
    done = run_tracer("serve", "--port", str(free_port()), "--database-url", url)
    assert_one_clear_line(done, "DATABASE_URL", *words)
    assert "wrong" not in done.stderr + done.stdout
    assert "right" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://a:hunter2@127.0.0.1:1/x", ("unreachable", "a:***@127.0.0.1:1/x")),
        ("mysql://a:secret@127.0.0.1/x", ("expected postgresql://", "a:***@")),
    ],
)
def test_a_database_that_is_not_there_is_said(url: str, words: tuple[str, ...]) -> None:
    done = run_tracer("serve", "--port", str(free_port()), DATABASE_URL=url)
    assert_one_clear_line(done, *words)
    assert "secret" not in done.stderr + done.stdout


def test_a_database_of_a_newer_tracer_is_left_alone(bare_url: str) -> None:
    upgrade(bare_url)
    with psycopg.connect(bare_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    done = run_tracer("serve", "--port", str(free_port()), DATABASE_URL=bare_url)
    assert_one_clear_line(done, "9999", "newer Tracer")


def test_your_own_database_is_used_and_left_running(bare_url: str, data_dir: Path) -> None:
    with serving("--database-url", bare_url, data_dir=data_dir) as serve:
        assert is_healthy(serve.url)
        assert serve.stop() == 0
    assert not data_dir.exists()
    with psycopg.connect(bare_url) as connection:
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert found == (known_revisions()[-1],)


def test_many_start_at_once_on_an_empty_database_and_one_migrates(bare_url: str) -> None:
    starts = [Serve("--database-url", bare_url, "--workers", "1") for _ in range(3)]
    try:
        for serve in starts:
            serve.wait_ready()
    finally:
        for serve in starts:
            if serve.process.poll() is None:
                serve.stop()
            serve.output()


def test_after_a_kill_the_family_ends_and_the_next_start_takes_postgresql_over(
    data_dir: Path,
) -> None:
    with serving(data_dir=data_dir) as serve:
        get_bytes(f"{serve.url}/healthz")
        family = serve.members()
        postmaster = pid_of(Embedded(data_dir))
        serve.kill()
        with serving(data_dir=data_dir, port=serve.port) as again:
            assert pid_of(Embedded(data_dir)) == postmaster
            assert again.stop() == 0
            assert "taken over" in again.output()
        _, alive = psutil.wait_procs(family, timeout=5)
        assert alive == []
    assert Embedded(data_dir).postmaster() is None


def test_after_a_kill_the_family_ends_though_a_client_keeps_its_connection_busy(
    data_dir: Path,
) -> None:
    with serving(data_dir=data_dir) as serve:
        family = serve.members()
        client = http.client.HTTPConnection("127.0.0.1", serve.port)
        asking = threading.Thread(target=_ask_until_refused, args=(client,))
        asking.start()
        wait_until(lambda: client.sock)
        serve.kill()
        _, alive = psutil.wait_procs(family, timeout=15)
        assert alive == []
        asking.join()


def _ask_until_refused(client: http.client.HTTPConnection) -> None:
    with suppress(OSError, http.client.HTTPException):
        while True:
            client.request("GET", "/healthz")
            client.getresponse().read()


def test_a_background_worker_that_ends_is_started_again(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve:
        first = background_of(serve)
        first.kill()
        first.wait(5)
        assert background_of(serve).pid != first.pid
        assert is_healthy(serve.url)
        assert serve.stop() == 0
        assert "background worker ended" in serve.output()


def test_a_postgresql_that_ends_is_started_again(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve:
        first = pid_of(Embedded(data_dir))
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not is_healthy(serve.url):
            time.sleep(0.1)
        assert is_healthy(serve.url)
        assert pid_of(Embedded(data_dir)) != first


def test_idle_the_family_fits_in_250_megabytes(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve:
        background_of(serve)
        family = serve.members()
        assert len(family) == 4
        assert sum(process.memory_info().rss for process in family) <= 250 * 2**20


def background_of(serve: Serve) -> psutil.Process:
    """Return the background worker, waiting for it to start."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for process in serve.members():
            if process.cmdline()[-1:] == ["tracer.worker"]:
                return process
        time.sleep(0.05)
    raise AssertionError("there is no background worker")


def test_keys_are_made_listed_and_revoked(bare_url: str) -> None:
    where = ["--database-url", bare_url]
    made = run_tracer("keys", "create", "laptop", *where)
    assert made.returncode == 0, made.stderr
    lines = dict(line.split() for line in made.stdout.splitlines())
    listed = run_tracer("keys", "list", *where).stdout
    assert lines["public"] in listed
    assert "laptop" in listed
    assert lines["secret"] not in listed
    assert run_tracer("keys", "revoke", lines["id"], *where).returncode == 0
    assert "revoked" in run_tracer("keys", "list", *where).stdout
    assert_one_clear_line(run_tracer("keys", "revoke", lines["id"], *where), "no valid key")
    assert_one_clear_line(
        run_tracer("keys", "create", "--project", "nope", *where), "nope", "default"
    )


def test_a_command_stops_the_postgresql_that_it_started(data_dir: Path) -> None:
    made = run_tracer("keys", "create", "--data-dir", str(data_dir))
    assert made.returncode == 0, made.stderr
    assert (data_dir / "pg" / "PG_VERSION").exists()
    assert Embedded(data_dir).postmaster() is None


def test_commands_work_beside_a_server_that_runs(served: Serve) -> None:
    where = ["--data-dir", str(served.data_dir)]
    assert run_tracer("keys", "list", *where).returncode == 0
    told = run_tracer("doctor", *where, "--port", str(served.port))
    assert told.returncode == 0, told.stdout
    assert "Tracer answers" in told.stdout
    assert is_healthy(served.url)


def test_the_schema_goes_up_and_down_and_is_what_the_code_says(bare_url: str) -> None:
    where = ["--database-url", bare_url]
    assert run_tracer("db", "upgrade", *where).stdout.split()[-3:] == [
        "empty",
        "→",
        known_revisions()[-1],
    ]
    assert "up to date" in run_tracer("db", "upgrade", *where).stdout
    checked = run_tracer("db", "check", *where)
    assert checked.returncode == 0, checked.stderr
    assert run_tracer("db", "downgrade", "base", "--yes", *where).returncode == 0
    with psycopg.connect(bare_url) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' UNION ALL SELECT proname FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace"
        ).fetchall()
    assert left == [("alembic_version",)]
    assert run_tracer("db", "upgrade", *where).returncode == 0


def test_a_schema_that_differs_is_told(bare_url: str) -> None:
    upgrade(bare_url)
    with psycopg.connect(bare_url) as connection:
        connection.execute("ALTER TABLE spans ADD COLUMN surprise text")
    assert_one_clear_line(run_tracer("db", "check", "--database-url", bare_url), "surprise")


def test_doctor_tells_settings_and_sizes_and_hides_passwords(bare_url: str) -> None:
    upgrade(bare_url)
    url = bare_url.replace("tracer@", "tracer:hunter2@")
    told = run_tracer(
        "doctor",
        DATABASE_URL=url,
        TRACER_WORKERS="3",
        TRACER_INIT_PROJECT_SECRET_KEY="sk-hunter2",
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "tracer:***@" in told.stdout
    assert "hunter2" not in told.stdout
    assert "3  (TRACER_WORKERS)" in told.stdout
    assert "(DATABASE_URL)" in told.stdout
    assert "spans" in told.stdout


def test_doctor_fails_when_the_database_is_broken() -> None:
    told = run_tracer("doctor", DATABASE_URL="postgresql://a:hunter2@127.0.0.1:1/x")
    assert told.returncode == 1
    assert "unreachable" in told.stdout
    assert "hunter2" not in told.stdout + told.stderr


def test_help_names_every_command() -> None:
    told = run_tracer("--help").stdout
    for name in ("serve", "db", "keys", "doctor"):
        assert name in told
