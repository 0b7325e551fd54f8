"""The commands: what they print, and one line with a failing status where they can't go on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.http import free_port, is_healthy
from tests.support.serving import Serve, as_owner, postmaster_pid, run_tracer, serving
from tests.support.waiting import wait_until
from tracer.server.migrations import upgrade
from tracer.server.postgres import Embedded
from tracer.store.database.server import known_revisions


def assert_one_clear_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert a failure with these words in one line of stderr, and no traceback."""
    assert done.returncode != 0
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


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
    binary = Path(psutil.Process(postmaster_pid(postgres)).exe())
    process = subprocess.Popen(
        [binary, "-D", embedded.pgdata, "-p", str(port), "-k", "", "-h", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **as_owner(embedded.pgdata),
    )

    def accepts_connections() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(accepts_connections, "a PostgreSQL on TCP")
    yield port
    process.send_signal(signal.SIGINT)
    process.wait(10)


def test_serve_prints_what_it_started_and_its_address(data_dir: Path) -> None:
    with serving(data_dir=data_dir) as serve:
        assert is_healthy(serve.url)
        assert serve.stop() == 0
        printed = serve.output()
    assert str(data_dir) in printed
    assert "PostgreSQL  18, started in" in printed
    assert f"empty → {known_revisions()[-1]}" in printed
    assert f"{serve.url}/v1/traces" in printed
    assert "Traceback" not in printed


def test_a_second_start_names_the_running_server(served: Serve) -> None:
    where = ["--data-dir", str(served.data_dir)]
    second = run_tracer("serve", *where, "--port", str(free_port()))
    assert_one_clear_line(second, f"process {served.process.pid}", served.url, "--data-dir")
    assert is_healthy(served.url)


def test_a_port_in_use_is_reported_before_anything_is_started(data_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run_tracer("serve", "--data-dir", str(data_dir), "--port", str(port))
    assert_one_clear_line(done, f"port {port} is in use", f"process {os.getpid()}", "--port")
    assert not (data_dir / "pg").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com"])
def test_a_host_that_other_machines_can_reach_is_refused(data_dir: Path, host: str) -> None:
    done = run_tracer("serve", "--data-dir", str(data_dir), "--host", host)
    assert_one_clear_line(done, host, "loopback", "127.0.0.1")


def test_an_invalid_setting_is_named() -> None:
    assert_one_clear_line(run_tracer("serve", TRACER_WORKERS="many"), "TRACER_WORKERS='many'")


def test_an_invalid_flag_is_named() -> None:
    done = run_tracer("serve", "--port", "70000")
    assert done.returncode == 2
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_directory_that_cannot_be_written_is_reported(data_dirs: Path) -> None:
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
def test_a_refused_login_is_reported_without_the_password(
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
def test_an_unreachable_database_is_reported_without_its_password(
    url: str, words: tuple[str, ...]
) -> None:
    done = run_tracer("serve", "--port", str(free_port()), DATABASE_URL=url)
    assert_one_clear_line(done, *words)
    assert "secret" not in done.stderr + done.stdout


def test_a_database_of_a_newer_tracer_is_refused(bare_url: str) -> None:
    upgrade(bare_url)
    with psycopg.connect(bare_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    done = run_tracer("serve", "--port", str(free_port()), DATABASE_URL=bare_url)
    assert_one_clear_line(done, "9999", "newer Tracer")


def test_a_database_of_your_own_is_used_and_left_running(bare_url: str, data_dir: Path) -> None:
    with serving("--database-url", bare_url, data_dir=data_dir) as serve:
        assert is_healthy(serve.url)
        assert serve.stop() == 0
    assert not data_dir.exists()
    with psycopg.connect(bare_url) as connection:
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    assert revision == (known_revisions()[-1],)


def test_keys_are_created_listed_and_revoked(bare_url: str) -> None:
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


def test_commands_work_beside_a_running_server(served: Serve) -> None:
    where = ["--data-dir", str(served.data_dir)]
    assert run_tracer("keys", "list", *where).returncode == 0
    done = run_tracer("doctor", *where, "--port", str(served.port))
    assert done.returncode == 0, done.stdout
    assert "Tracer answers" in done.stdout
    assert is_healthy(served.url)


def test_the_schema_is_upgraded_and_downgraded_and_equals_the_code(bare_url: str) -> None:
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


def test_a_schema_that_differs_from_the_code_is_reported(bare_url: str) -> None:
    upgrade(bare_url)
    with psycopg.connect(bare_url) as connection:
        connection.execute("ALTER TABLE spans ADD COLUMN surprise text")
    assert_one_clear_line(run_tracer("db", "check", "--database-url", bare_url), "surprise")


def test_doctor_prints_settings_and_sizes_and_hides_passwords(bare_url: str) -> None:
    upgrade(bare_url)
    url = bare_url.replace("tracer@", "tracer:hunter2@")
    done = run_tracer(
        "doctor",
        DATABASE_URL=url,
        TRACER_WORKERS="3",
        TRACER_INIT_PROJECT_SECRET_KEY="sk-hunter2",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tracer:***@" in done.stdout
    assert "hunter2" not in done.stdout
    assert "3  (TRACER_WORKERS)" in done.stdout
    assert "(DATABASE_URL)" in done.stdout
    assert "spans" in done.stdout


def test_doctor_fails_when_the_database_is_unreachable() -> None:
    done = run_tracer("doctor", DATABASE_URL="postgresql://a:hunter2@127.0.0.1:1/x")
    assert done.returncode == 1
    assert "unreachable" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_help_names_every_command() -> None:
    printed = run_tracer("--help").stdout
    for name in ("serve", "db", "keys", "doctor"):
        assert name in printed
