"""``python -m tracer.server.exports``: writes the files of the exports that are due, and ends."""

from __future__ import annotations

import os

from tracer.app import create_app
from tracer.config import Config
from tracer.store.jobs.exports import run_exports


def main() -> None:
    """Write the files, with a low CPU priority."""
    os.nice(10)
    with create_app(Config.from_env()).app_context():
        run_exports()


if __name__ == "__main__":
    main()
