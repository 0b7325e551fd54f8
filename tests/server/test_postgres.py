"""The embedded PostgreSQL: created, started, taken over and stopped; and its errors."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.serving import as_owner
from tests.support.waiting import wait_until
from tracer.server.lock import Owned, owned
from tracer.server.postgres import Embedded, EmbeddedError

Make = Callable[[str], Embedded]


@pytest.fixture(scope="module")
def pattern(data_dirs: Path) -> Path:
    """A data directory to copy: quicker than initdb for each test."""
    embedded = Embedded(data_dirs / "pattern")
    embedded.start()
    with psycopg.connect(embedded.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    embedded.stop()
    return embedded.data_dir


@pytest.fixture
def make(data_dirs: Path, pattern: Path) -> Iterator[Make]:
    """Make stopped servers of the pattern in directories of the names given."""
    made: list[Embedded] = []

    def make(name: str) -> Embedded:
        embedded = Embedded(data_dirs / name)
        # cp keeps the owner, which isn't root where the tests run as root.
        embedded.data_dir.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", pattern, embedded.data_dir], check=True)
        made.append(embedded)
        return embedded

    yield make
    for embedded in made:
        embedded.stop()
        shutil.rmtree(embedded.data_dir)


def answer(embedded: Embedded) -> int:
    with psycopg.connect(embedded.url) as connection:
        row = connection.execute("SELECT answer FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def kill_postmaster(embedded: Embedded) -> int:
    postmaster = embedded.postmaster()
    assert postmaster is not None
    os.kill(postmaster.pid, signal.SIGKILL)
    wait_until(lambda: embedded.postmaster() is None, "the end of the server")
    return postmaster.pid


def test_its_settings_are_safe_for_data(postgres: Embedded) -> None:
    settings = {
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "jit": "off",
        "listen_addresses": "",
        "TimeZone": "UTC",
    }
    with psycopg.connect(postgres.url) as connection:
        for name, value in settings.items():
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert row == (value,), name


def test_fsync_is_on_unless_a_test_turns_it_off(make: Make) -> None:
    embedded = make("fsync")
    embedded.start()
    with psycopg.connect(embedded.url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_only_its_owner_can_connect(postgres: Embedded) -> None:
    postmaster = postgres.postmaster()
    assert postmaster is not None
    assert stat.S_IMODE(os.stat(postmaster.socket_dir).st_mode) == 0o700
    process = psutil.Process(postmaster.pid)
    assert process.uids().real == os.stat(postmaster.socket_dir).st_uid != 0
    assert list(process.net_connections("inet")) == []


def test_data_survives_a_stop_and_a_start(make: Make) -> None:
    embedded = make("restart")
    assert embedded.start() is True
    assert answer(embedded) == 42
    embedded.stop()
    assert embedded.postmaster() is None
    embedded.start()
    assert answer(embedded) == 42


def test_a_server_left_running_is_taken_over(make: Make) -> None:
    first = make("orphan")
    first.start()
    second = Embedded(first.data_dir)
    assert second.start() is False
    assert second.postmaster() == first.postmaster()
    second.stop()
    assert first.postmaster() is None


def test_a_killed_server_recovers(make: Make) -> None:
    embedded = make("killed")
    embedded.start()
    with psycopg.connect(embedded.url) as connection:
        connection.execute("UPDATE kept SET answer = 43")
    kill_postmaster(embedded)
    assert embedded.start() is True
    assert answer(embedded) == 43


@contextmanager
def lingering(embedded: Embedded) -> Iterator[None]:
    """While the block runs, a process of the server doesn't notice that the server has ended."""
    with psycopg.connect(embedded.url) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(backend, signal.SIGCONT)


@contextmanager
def starting(embedded: Embedded) -> Iterator[None]:
    """Start the server in parallel to the block; the start must succeed after the block."""
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(embedded.start)
        yield
        assert started.result() is True


def refusals(embedded: Embedded) -> int:
    """Return how many starts were refused because processes of a killed server are alive."""
    return embedded.log.read_text().count("still in use")


def await_refusals(embedded: Embedded, number: int) -> None:
    wait_until(lambda: refusals(embedded) >= number, f"{number} refused starts")


def test_a_start_waits_for_the_last_processes_of_a_killed_server(make: Make) -> None:
    embedded = make("lingering")
    embedded.start()
    with ExitStack() as until_gone:
        until_gone.enter_context(lingering(embedded))
        kill_postmaster(embedded)
        with starting(embedded):
            await_refusals(embedded, 2)
            until_gone.close()
    assert answer(embedded) == 42


def test_log_lines_of_a_killed_server_are_not_taken_for_the_new_servers_error(
    make: Make,
) -> None:
    embedded = make("lastwords")
    embedded.start()
    # Each session of the killed server writes this line when it notices the end of its server.
    words = "[1] FATAL:  terminating connection due to unexpected postmaster exit"
    command = f"while :; do echo '2026-01-01 00:00:00.000 UTC {words}'; sleep 0.001; done"
    with embedded.log.open("ab") as log:
        others = subprocess.Popen(["sh", "-c", command], stdout=log)
    with ExitStack() as until_gone:
        until_gone.callback(others.wait)
        until_gone.callback(others.kill)
        until_gone.enter_context(lingering(embedded))
        kill_postmaster(embedded)
        with starting(embedded):
            await_refusals(embedded, 5)
            until_gone.close()
    assert answer(embedded) == 42


def test_an_empty_lock_file_of_a_crash_is_no_obstacle(make: Make) -> None:
    embedded = make("empty")
    embedded.start()
    postmaster = embedded.postmaster()
    assert postmaster is not None
    kill_postmaster(embedded)
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (embedded.pgdata / name).write_text("")
    assert embedded.start() is True
    assert answer(embedded) == 42


def test_log_settings_do_not_hide_why_a_server_does_not_start(make: Make) -> None:
    embedded = make("logs")
    (embedded.pgdata / "postgresql.auto.conf").write_text(
        "log_line_prefix = ''\nlogging_collector = on\nlog_destination = 'csvlog'\n"
    )
    (embedded.pgdata / "pg_hba.conf").write_text("nonsense\n")
    with pytest.raises(EmbeddedError, match=r"\[\d+\] FATAL:  could not load .*pg_hba.conf"):
        embedded.start()


def test_a_dead_servers_pid_that_another_process_has_now_is_no_obstacle(make: Make) -> None:
    embedded = make("reused")
    embedded.start()
    pid = kill_postmaster(embedded)
    file = embedded.pgdata / "postmaster.pid"
    # A process of the same account, which PostgreSQL itself mistakes for its server.
    other = subprocess.Popen(["sleep", "60"], **as_owner(embedded.pgdata))
    try:
        text = file.read_text().replace(str(pid), str(other.pid), 1)
        file.write_text(text)
        assert embedded.postmaster() is None
        assert embedded.start() is True
        assert answer(embedded) == 42
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("name", ['a b, c\'s "d"', "ä/" + "long" * 30])
def test_any_directory_name_works(make: Make, name: str) -> None:
    embedded = make(name)
    embedded.start()
    assert answer(embedded) == 42


@pytest.mark.usefixtures("monkeypatch", "data_dirs")
def test_a_socket_directory_that_others_may_write_is_refused(make: Make) -> None:
    embedded = make("long" * 30)
    embedded.start()
    postmaster = embedded.postmaster()
    assert postmaster is not None
    embedded.stop()
    directory = Path(postmaster.socket_dir)
    directory.chmod(0o777)
    with pytest.raises(EmbeddedError, match="shorter --data-dir"):
        embedded.start()
    shutil.rmtree(directory)


def test_a_file_in_place_of_the_directory_is_reported_in_one_line(data_dirs: Path) -> None:
    (data_dirs / "file").touch()
    with pytest.raises(EmbeddedError, match=r"^cannot use the data directory .*--data-dir$"):
        Embedded(data_dirs / "file" / "data").start()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_reported_in_one_line(data_dirs: Path) -> None:
    (data_dirs / "readonly").mkdir(mode=0o500)
    with pytest.raises(EmbeddedError, match=r"^cannot use the data directory .*--data-dir$"):
        Embedded(data_dirs / "readonly").start()


@pytest.mark.parametrize(("version", "whose"), [("19", "a newer"), ("17", "another")])
def test_data_of_another_version_is_refused(make: Make, version: str, whose: str) -> None:
    embedded = make(f"version{version}")
    (embedded.pgdata / "PG_VERSION").write_text(f"{version}\n")
    with pytest.raises(EmbeddedError, match=f"PostgreSQL {version} of {whose} Tracer"):
        embedded.start()


def test_a_failed_start_is_reported_in_one_line(make: Make) -> None:
    embedded = make("broken")
    (embedded.pgdata / "postgresql.auto.conf").write_text("shared_buffers = 'much'\n")
    with pytest.raises(EmbeddedError, match="FATAL"):
        embedded.start()


def test_a_directory_has_one_owner_whose_process_others_are_told(data_dirs: Path) -> None:
    holder = data_dirs / "locked"
    with owned(holder, "first"), pytest.raises(Owned) as caught, owned(holder, "second"):
        pass
    assert (caught.value.pid, caught.value.label) == (os.getpid(), "first")
    with owned(holder, "third"):
        pass
