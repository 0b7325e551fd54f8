"""The commands: what they print, and one line with a failing status where they can't go on."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import ANY

import httpx
import psutil
import psycopg
import pytest

from tests.support.http import free_port, is_healthy
from tests.support.serving import Serve, as_owner, environ, postmaster_pid, run_tracer, serving
from tests.support.waiting import wait_until
from tracer.server.migrations import upgrade
from tracer.server.postgres import Embedded
from tracer.store.database.server import TableSize, known_revisions, table_sizes


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


def test_a_host_that_other_machines_can_reach_asks_for_a_login(data_dir: Path) -> None:
    with serving("--host", "0.0.0.0", data_dir=data_dir) as serve:
        [link] = re.findall(
            r"http://127\.0\.0\.1:\d+/first-owner\?code=[A-Z2-9-]{19}", serve.printed()
        )
        owner = {"name": "Ada", "address": "ada@example.com", "password": "kettle-violet-owl-7"}
        with httpx.Client(headers={"Sec-Fetch-Site": "same-origin"}) as client:
            assert client.get(f"{serve.url}/").headers["Location"] == "/first-owner"
            assert client.post(f"{serve.url}/v1/traces", json={}).status_code == 401
            wrong = client.post(f"{serve.url}/first-owner", data={**owner, "code": "AAAA"})
            assert wrong.status_code == 422
            code = link.partition("=")[2]
            made = client.post(f"{serve.url}/first-owner", data={**owner, "code": code})
            assert made.status_code == 303
            again = client.post(f"{serve.url}/first-owner", data={**owner, "code": code})
            assert again.headers["Location"] == "/login"
            assert client.get(f"{serve.url}/project/default/traces").status_code == 200


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
    with psycopg.connect(bare_url) as connection:
        connection.execute("CREATE TABLE alembic_version AS SELECT '9999' AS version_num")
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


def test_keys_are_created_listed_and_revoked(database_url: str) -> None:
    where = ["--database-url", database_url]
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


def test_a_project_is_created_listed_and_refused_where_an_address_cannot_hold_it(
    database_url: str,
) -> None:
    where = ["--database-url", database_url]
    made = run_tracer("projects", "create", "acme", "--name", "Acme Ltd", *where)
    assert made.returncode == 0, made.stderr
    listed = run_tracer("projects", "list", *where).stdout.splitlines()
    assert [line.split(maxsplit=1) for line in listed] == [
        ["acme", "Acme Ltd"],
        ["default", "default"],
    ]
    assert run_tracer("keys", "create", "--project", "acme", *where).returncode == 0
    assert_one_clear_line(run_tracer("projects", "create", "acme", *where), "acme", "exists")
    assert_one_clear_line(run_tracer("projects", "create", "a/b", *where), "id", "slash")
    no_project = run_tracer("keys", "create", "--project", "nope", *where)
    assert_one_clear_line(no_project, "nope", "tracer projects create")


def test_a_server_whose_user_has_no_account_names_the_remedies(data_dir: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become a user without an account")
    # Becomes the user after the imports, because that user may not read this interpreter's files.
    code = (
        "import os, sys, tracer.cli.serve, tracer.server.family, tracer.cli.keys, tracer.app\n"
        "from tracer.cli.group import main\n"
        "os.setuid(54321)\n"
        "main(sys.argv[1:], prog_name='tracer')"
    )
    for arguments in (["serve", "--port", str(free_port())], ["keys", "list"]):
        command = [sys.executable, "-P", "-c", code, *arguments, "--data-dir", str(data_dir)]
        done = subprocess.run(command, env=environ(), capture_output=True, text=True, timeout=60)
        assert_one_clear_line(done, "54321", "useradd --uid 54321", "DATABASE_URL")
    assert not data_dir.exists()


def test_a_missing_home_is_reported() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become a user without an account")
    code = (
        "import os, sys, tracer.cli.keys\n"
        "from tracer.cli.group import main\n"
        "os.environ.pop('HOME')\n"
        "os.setuid(54321)\n"
        "main(['keys', 'list'], prog_name='tracer')"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environ(), capture_output=True, text=True
    )
    assert_one_clear_line(done, "HOME", "--data-dir")


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


def test_doctor_prints_settings_and_sizes_and_hides_passwords(database_url: str) -> None:
    url = database_url.replace("tracer@", "tracer:hunter2@")
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


def test_doctor_asks_the_server_that_runs_on_the_data_directory(served: Serve) -> None:
    # Started with --port, which a command without that flag has to find out.
    where = ["--data-dir", str(served.data_dir)]
    done = run_tracer("doctor", *where)
    assert f"127.0.0.1:{served.port}" in done.stdout
    assert "Tracer answers" in done.stdout
    other = free_port()
    assert f"127.0.0.1:{other}" in run_tracer("doctor", *where, "--port", str(other)).stdout


def test_doctor_counts_the_rows(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO projects (project_id, name) VALUES ('one', 'one')")
    done = run_tracer("doctor", DATABASE_URL=database_url)
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " rows" in line)
    assert rows["projects"].endswith(", 2 rows")
    assert rows["spans"].endswith(", 0 rows")


def test_a_table_that_takes_too_long_to_count_gets_an_estimate(bare_url: str) -> None:
    with psycopg.connect(bare_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE large AS SELECT generate_series(1, 100000)")
        connection.execute("ANALYZE large")
        assert table_sizes(connection, 10) == [TableSize("large", ANY, 100_000, True)]
        [estimate] = table_sizes(connection, 0.001)
    assert (estimate.rows, estimate.counted) == (100_000, False)


def test_doctor_fails_when_the_database_is_unreachable() -> None:
    done = run_tracer("doctor", DATABASE_URL="postgresql://a:hunter2@127.0.0.1:1/x")
    assert done.returncode == 1
    assert "unreachable" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_help_names_every_command() -> None:
    printed = run_tracer("--help").stdout
    for name in ("serve", "db", "projects", "keys", "doctor"):
        assert name in printed
