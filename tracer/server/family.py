"""The process family: gunicorn's arbiter as parent, web workers and the background worker."""

from __future__ import annotations

import dataclasses
import gc
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from tracer.config import Config
from tracer.server.balancing import BalancedWorker, ConnectionCounts

_GRACE_SECONDS = 30
_STABLE_SECONDS = 60.0
_MAX_PAUSE_SECONDS = 60.0
_MAX_CONNECTIONS = 4_096
# Open files of a worker besides clients' connections: of the database, temporary ones, modules.
_OTHER_FILES = 512


class BackgroundWorker:
    """The child process ``python -m tracer.worker``, restarted after growing pauses."""

    def __init__(self, config: Config):
        self._environ = child_environ(config)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = 0.0

    def ensure_running(self) -> None:
        """Start the process if it is not running; called about once a second."""
        now = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._process = None
            lifetime = now - self._started
            self._pause = (
                1.0 if lifetime > _STABLE_SECONDS else min(2 * self._pause, _MAX_PAUSE_SECONDS)
            )
            print(
                f"tracer: the background worker ended; next start in {self._pause:.0f} s",
                file=sys.stderr,
            )
        if now - self._started >= self._pause:
            self._start(now)

    def stop(self) -> None:
        """Stop the process; after `_GRACE_SECONDS` it is killed."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self, now: float) -> None:
        self._started = now
        self._pause = max(self._pause, 1.0)
        self._process = subprocess.Popen(
            # -P: files in the current directory must not be imported as modules.
            [sys.executable, "-P", "-m", "tracer.worker"],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            # Ctrl-C on the terminal must reach only the parent, which stops this child later.
            start_new_session=True,
        )


class Family(BaseApplication):
    """The gunicorn application: each worker creates its own Flask app after the fork.

    The app is not preloaded: so the parent needs neither Flask nor SQLAlchemy, no connection or
    thread crosses a fork, and the workers import in parallel on their own cores.
    """

    def __init__(
        self,
        config: Config,
        listener: socket.socket,
        *,
        on_ready: Callable[[], None],
        check_database: Callable[[], None],
    ):
        self.config = config
        self.listener = listener
        self.on_ready = on_ready
        self.background = BackgroundWorker(config)
        self.parent = os.getpid()
        # Read by the metrics of each web process (`tracer/web/monitoring/metrics.py`).
        self.metrics_dir = tempfile.mkdtemp(prefix="tracer-metrics-")
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = self.metrics_dir
        self._check_database = check_database
        self._connections = ConnectionCounts(config.workers)
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults; its config files and variables are ignored."""
        connections = self._connections
        heartbeat = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - PostgreSQL and gunicorn need a short path
        settings: dict[str, Any] = {
            # gunicorn owns the socket from here on, and closes it when it stops.
            "bind": [f"fd://{self.listener.detach()}"],
            "worker_class": BalancedWorker,
            "pre_fork": connections.assign_slot,
            "child_exit": self._worker_ended,
            "workers": self.config.workers,
            "threads": self.config.threads,
            "timeout": 120,
            "graceful_timeout": _GRACE_SECONDS,
            # Sent by the main loop, which must not wait for a file.
            "sendfile": False,
            "worker_connections": _connection_limit(),
            # gunicorn must trust no proxy's headers: forwarded.py decides about them.
            "forwarder_headers": "",
            # The largest limit of gunicorn: ids of 800 characters make long URLs.
            "limit_request_line": 8190,
            "worker_tmp_dir": heartbeat,
            "loglevel": "warning",
            "control_socket_disable": True,
            # TRACER_TRUSTED_PROXIES decides instead (`tracer/web/incoming/forwarded.py`).
            "forwarded_allow_ips": "",
            "post_worker_init": self._worker_ready,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def _worker_ended(self, arbiter: Any, worker: Any) -> None:
        self._connections.free_slot(arbiter, worker)
        # Gauges of a process that has ended; its counters stay.
        for path in Path(self.metrics_dir).glob(f"gauge_live*_{worker.pid}.db"):
            path.unlink(missing_ok=True)

    def load(self) -> Any:
        """Return the Flask app; called in a worker."""
        from tracer.app import create_app
        from tracer.web.monitoring.logs import log_as_json

        log_as_json()

        return create_app(self.config)

    def largest_body(self) -> Callable[[bytes], int]:
        """Return the function that gives the largest body for a path; called in a worker."""
        from tracer.web.langfuse.routes import PREFIX
        from tracer.wire.langfuse.library.media import MAX_MEDIA_BYTES

        media, limit = f"{PREFIX}/media/content/".encode(), self.config.max_body_bytes
        return lambda path: max(limit, MAX_MEDIA_BYTES) if path.startswith(media) else limit

    def run(self) -> None:
        """Serve until a signal; pending requests are answered first. Raises SystemExit."""
        try:
            _Parent(self).run()
        except SystemExit as system_exit:
            # A forked worker ends here: only the parent may run the clean-up of the callers.
            if os.getpid() != self.parent:
                sys.stderr.flush()
                os._exit(system_exit.code if isinstance(system_exit.code, int) else 0)
            raise
        except HaltServer as halt:
            # No worker could start; the workers have printed the reason.
            sys.exit(halt.exit_status)
        finally:
            self.background.stop()
            if os.getpid() == self.parent:
                shutil.rmtree(self.metrics_dir, ignore_errors=True)

    def check_children(self) -> None:
        """Run the periodic checks of the parent, about once a second."""
        self._check_database()
        self.background.ensure_running()

    def _worker_ready(self, worker: Any) -> None:
        # Ctrl-C reaches the whole process group; only the parent may react.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # A request creates tens of thousands of objects, which reference counting frees: collecting
        # after every 700 of them took a fifth of the ingestion time.
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        sys.setswitchinterval(0.001)
        if worker.age == 1:
            self.on_ready()


def _connection_limit() -> int:
    """Return how many connections a worker may hold, after raising the limit of open files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _MAX_CONNECTIONS + _OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        files = min(files, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(files - _OTHER_FILES, 64)


class _Parent(Arbiter):
    """gunicorn's arbiter, which also runs the periodic checks and stops gracefully on Ctrl-C."""

    app: Family

    def manage_workers(self) -> None:
        super().manage_workers()
        self.app.check_children()

    def handle_int(self) -> None:
        raise StopIteration

    # The terminal was closed: stop, rather than reload as gunicorn does.
    handle_hup = handle_int


def child_environ(config: Config) -> dict[str, str]:
    """Return the environment for a child process, in which ``Config.from_env`` gives ``config``."""
    settings = {
        f"TRACER_{name.upper()}": str(value) for name, value in dataclasses.asdict(config).items()
    }
    return {**os.environ, **settings}
