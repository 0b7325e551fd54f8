"""``python -m bench``: runs the benchmarks, prints a table and writes JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from bench import exports, ingest, langfuse, mapping, pages, sdk, start, tree
from bench.agents import measure as agents
from bench.family import ROOT, family
from bench.figures import QUICK, Figure, Sizes
from bench.report import describe_machine, document, table, write_docs

NAMES: Final = (
    "start",
    "mapping",
    "sdk",
    "agents",
    "ingest",
    "langfuse",
    "pages",
    "tree",
    "export",
)
RESULTS: Final = ROOT / "bench" / "results" / "latest.json"
DOCS: Final = ROOT / "docs" / "benchmarks.md"


@click.command()
@click.option(
    "--only", type=click.Choice(NAMES), multiple=True, help="Run only this benchmark; repeatable."
)
@click.option(
    "--quick", is_flag=True, help="Tiny sizes, to test the benchmarks; the figures mean nothing."
)
@click.option(
    "--json", "path", type=click.Path(path_type=Path), default=RESULTS, help="Output file."
)
@click.option("--docs", is_flag=True, help="Also write the table to docs/benchmarks.md.")
def main(only: tuple[str, ...], quick: bool, path: Path, docs: bool) -> None:
    """Measure the targets of the design on servers that this command starts."""
    machine = describe_machine()
    figures = measure(
        tuple(name for name in NAMES if not only or name in only), QUICK if quick else Sizes()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document(figures, machine), indent=2) + "\n")
    if docs:
        write_docs(DOCS, figures, machine)
    click.echo(table(figures))
    click.echo(f"\nwritten to {path}")


def measure(names: tuple[str, ...], sizes: Sizes) -> list[Figure]:
    """Return the figures of the benchmarks ``names``, in the order of NAMES."""
    figures = []
    for name, standalone in (
        ("start", start),
        ("mapping", mapping),
        ("sdk", sdk),
        ("agents", agents),
    ):
        if name in names:
            click.echo(f"measuring {name} …", err=True)
            figures += standalone.measure(sizes)
    if names[-1] not in ("ingest", "langfuse", "pages", "tree", "export"):
        return figures
    # One server for all: pages are measured on a database with data.
    with family() as server:
        for name, module in (
            ("ingest", ingest),
            ("langfuse", langfuse),
            ("pages", pages),
            ("tree", tree),
            ("export", exports),
        ):
            if name in names:
                click.echo(f"measuring {name} …", err=True)
                figures += module.measure(server, sizes)
    return figures


if __name__ == "__main__":
    main()
