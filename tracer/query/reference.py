"""Prints the tables of fields that end docs/query.md, from `tracer.query.fields`.

Run as ``python -m tracer.query.reference``; a test compares the page with it.
"""

from __future__ import annotations

from typing import Final

from tracer.query.fields import FIELDS, Field, Grain

TITLES: Final = {
    Grain.TRACE: "Fields of traces",
    Grain.SPAN: "Fields of spans",
    Grain.SESSION: "Fields of sessions",
    Grain.USER: "Fields of users",
}
"""The headings of the tables, in their order."""


def field_tables() -> str:
    """Return the tables of all fields as Markdown, each under its heading."""
    return "\n".join(_table(grain, title) for grain, title in TITLES.items())


def _table(grain: Grain, title: str) -> str:
    rows = "".join(f"{_row(field)}\n" for field in FIELDS[grain])
    return f"## {title}\n\n| field | type | what | examples |\n| --- | --- | --- | --- |\n{rows}"


def _row(field: Field) -> str:
    key = ".KEY" if field.keyed else ""
    names = [f"`{name}{key}`" for name in (field.name, *field.aliases)]
    what = field.description
    if field.choices:
        what += ": " + ", ".join(field.choices)
    examples = ", ".join(f"`{example}`" for example in field.examples)
    return f"| {', '.join(names)} | {field.type} | {what} | {examples} |"


if __name__ == "__main__":
    print(field_tables(), end="")
