"""``python -m tracer`` is the ``tracer`` command."""

from __future__ import annotations

from tracer.cli import main

if __name__ == "__main__":
    main(prog_name="tracer")
