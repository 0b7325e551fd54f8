"""One process family: gunicorn's arbiter as the parent, web workers and the background worker."""

from __future__ import annotations

import dataclasses
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer

from tracer.config import Config
from tracer.server.balancing import BalancedWorker, Board

_GRACE_SECONDS = 30
_STABLE_SECONDS = 60.0
_LONGEST_PAUSE = 60.0


class BackgroundWorker:
    """``python -m tracer.worker`` as a child: restarted when it ends, ever less eagerly."""

    def __init__(self, config: Config):
        self._environ = child_environ(config)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = 0.0

    def tend(self) -> None:
        """Start it when it is not running; to be called about once a second."""
        now = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._process = None
            lived = now - self._started
            self._pause = 1.0 if lived > _STABLE_SECONDS else min(2 * self._pause, _LONGEST_PAUSE)
            print(
                f"tracer: the background worker ended; next start in {self._pause:.0f} s",
                file=sys.stderr,
            )
        if now - self._started >= self._pause:
            self._start(now)

    def stop(self) -> None:
        """Let it finish what it does, for some seconds."""
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
            # -P: whatever lies in the current directory must not pass for a module.
            [sys.executable, "-P", "-m", "tracer.worker"],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            # Ctrl-C on the terminal is for the parent, which stops this child in its turn.
            start_new_session=True,
        )


class Family(BaseApplication):
    """The gunicorn application: each worker makes the Flask app for itself after the fork.

    Not preloaded: the parent then needs neither Flask nor SQLAlchemy, no connection or thread
    crosses a fork, and the workers import at the same time on their own cores.
    """

    def __init__(
        self,
        config: Config,
        listener: socket.socket,
        *,
        on_ready: Callable[[], None],
        tend: Callable[[], None],
    ):
        self.config = config
        self.listener = listener
        self.on_ready = on_ready
        self.background = BackgroundWorker(config)
        self.parent = os.getpid()
        self._tend = tend
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults; its own files and variables are not read."""
        board = Board(self.config.workers)
        heartbeat = "/dev/shm" if Path("/dev/shm").is_dir() else None
        settings: dict[str, Any] = {
            # From here on the socket is gunicorn's, which closes it when it stops.
            "bind": [f"fd://{self.listener.detach()}"],
            "worker_class": BalancedWorker,
            "pre_fork": board.seat,
            "child_exit": board.leave,
            "workers": self.config.workers,
            "threads": self.config.threads,
            "timeout": 120,
            "graceful_timeout": _GRACE_SECONDS,
            "keepalive": 75,
            # The most that gunicorn bounds: ids of 800 characters make long addresses.
            "limit_request_line": 8190,
            "worker_tmp_dir": heartbeat,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_worker_init": self._worker_ready,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Make the app, in a worker."""
        from tracer.app import create_app

        return create_app(self.config)

    def run(self) -> None:
        """Serve until a signal; requests under way are answered first. Raises SystemExit."""
        try:
            _Parent(self).run()
        except SystemExit as end:
            # A forked worker ends here: what our callers clean up is the parent's.
            if os.getpid() != self.parent:
                sys.stderr.flush()
                os._exit(end.code if isinstance(end.code, int) else 0)
            raise
        except HaltServer as halt:
            # No worker could start; they have said why.
            sys.exit(halt.exit_status)
        finally:
            self.background.stop()

    def tend(self) -> None:
        """What the parent does about once a second."""
        self._tend()
        self.background.tend()

    def _worker_ready(self, worker: Any) -> None:
        # Ctrl-C reaches the whole process group; the parent alone decides what follows.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # A request makes tens of thousands of objects, all of which die with it by their reference
        # counts: collecting every 700 of them took a fifth of the time of ingest.
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        if worker.age == 1:
            self.on_ready()


class _Parent(Arbiter):
    """gunicorn's arbiter, which also tends the background worker and stops gently on Ctrl-C."""

    app: Family

    def manage_workers(self) -> None:
        super().manage_workers()
        self.app.tend()

    def handle_int(self) -> None:
        raise StopIteration

    # The terminal has gone: stop, rather than reload as gunicorn does.
    handle_hup = handle_int


def child_environ(config: Config) -> dict[str, str]:
    """Return our environment with ``config`` in it, as ``Config.from_env`` of a child reads it."""
    settings = {f"TRACER_{k.upper()}": str(v) for k, v in dataclasses.asdict(config).items()}
    return {**os.environ, **settings}
