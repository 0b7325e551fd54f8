"""Reports figures as a table, as JSON, and in the documentation."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil

from bench.figures import Figure, number
from tracer import __version__
from tracer.server.postgres import VERSION

BEGIN: Final = "<!-- figures: made by `python -m bench --docs` -->"
END: Final = "<!-- end of figures -->"
VERDICTS: Final = {True: "met", False: "missed", None: ""}


def describe_machine() -> dict[str, Any]:
    """Return the hardware, software versions and load of this machine."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "processor": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "postgresql": VERSION,
        "tracer": __version__,
        "load_before": round(os.getloadavg()[0], 2),
    }


def document(figures: Sequence[Figure], machine: dict[str, Any]) -> dict[str, Any]:
    """Return the content of the JSON file, with every figure by name."""
    by_name = {
        figure.name: {**asdict(figure), "target": figure.target, "ok": figure.ok}
        for figure in figures
    }
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return {"made": made, "machine": machine, "figures": by_name}


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as aligned lines for a terminal."""
    rows = [_row(figure) for figure in figures]
    title, value, unit, target, _ = (max(len(row[n]) for row in rows) for n in range(5))
    return "\n".join(
        f"{row[0]:<{title}}  {row[1]:>{value}} {row[2]:<{unit}}  {row[3]:<{target}}  {row[4]}"
        for row in rows
    )


def write_docs(path: Path, figures: Sequence[Figure], machine: dict[str, Any]) -> None:
    """Write the figures between the markers of a Markdown file. Raises ValueError without them."""
    write_between(path, BEGIN, END, _markdown(figures, machine))


def write_between(path: Path, begin: str, end: str, text: str) -> None:
    """Replace what is between two markers of a file. Raises ValueError without them."""
    before, has_begin, rest = path.read_text().partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise ValueError(f"{path} lacks the markers {begin} and {end}")
    path.write_text(f"{before}{begin}\n\n{text}\n{end}{after}")


def _markdown(figures: Sequence[Figure], machine: dict[str, Any]) -> str:
    description = (
        "{cores} cores ({processor}), {memory_gb} GB, {system}, Python {python},"
        " PostgreSQL {postgresql} (embedded), Tracer {tracer};"
        " load average before the run {load_before}."
    ).format(**machine)
    lines = [f"Measured on {datetime.now(UTC):%Y-%m-%d}: {description}", ""]
    lines += ["| figure | measured | target | |", "| --- | ---: | --- | --- |"]
    for title, value, unit, target, verdict in map(_row, figures):
        lines.append(f"| {title} | {value} {unit} | {target} | {verdict} |")
    return "\n".join(lines) + "\n"


def _row(figure: Figure) -> tuple[str, str, str, str, str]:
    return (
        figure.title,
        number(figure.value),
        figure.unit,
        figure.target,
        VERDICTS[figure.ok],
    )
