"""A replica of the database that pages are read from: its engine, and how far it lags."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tracer.store.database.session import UNREACHABLE, bound_waits

MAX_LAG_SECONDS: Final = 60.0
"""Pages are not read from a replica with a larger lag."""
_CHECK_SECONDS: Final = 1.0
_RETRY_SECONDS: Final = 5.0
# A standby that has replayed all it received is up to date only while it still receives.
_LAG: Final = """
    SELECT CASE
        WHEN NOT pg_is_in_recovery() THEN 0
        WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
            AND EXISTS (SELECT 1 FROM pg_stat_wal_receiver) THEN 0
        ELSE coalesce(extract(epoch FROM now() - pg_last_xact_replay_timestamp()), 0)
    END
"""


@dataclass(frozen=True, slots=True)
class State:
    """The lag of the replica in seconds; None: it can't be reached."""

    lag: float | None

    @property
    def usable(self) -> bool:
        """Whether pages may be read from it."""
        return self.lag is not None and self.lag <= MAX_LAG_SECONDS


class Replica:
    """The replica of one application; one thread checks it, about once a second."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self.engine = sa.create_engine(url, **options)
        bound_waits(self.engine)
        self._lock = threading.Lock()
        self._state = State(None)
        self._next_check = 0.0

    def state(self) -> State:
        """Return the state, checked again if the last check is too old."""
        if time.monotonic() >= self._next_check and self._lock.acquire(blocking=False):
            try:
                self._state = self._check()
                pause = _CHECK_SECONDS if self._state.lag is not None else _RETRY_SECONDS
                self._next_check = time.monotonic() + pause
            finally:
                self._lock.release()
        return self._state

    def _check(self) -> State:
        try:
            with self.engine.connect() as connection:
                return State(float(connection.execute(sa.text(_LAG)).scalar_one()))
        except UNREACHABLE:
            return State(None)
