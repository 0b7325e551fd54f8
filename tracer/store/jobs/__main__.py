"""``python -m tracer.store.jobs``: runs the jobs that are due, and ends; the worker starts it."""

from __future__ import annotations

import os

from tracer.config import Config
from tracer.store.database.server import libpq_url
from tracer.store.jobs.run import run_due


def main() -> None:
    """Run the jobs, with a low CPU priority."""
    os.nice(10)
    run_due(libpq_url(Config.from_env().database_url))


if __name__ == "__main__":
    main()
