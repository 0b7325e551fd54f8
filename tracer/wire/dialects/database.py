"""Database clients of the stock instrumentations, https://opentelemetry.io/docs/specs/semconv/database/."""

from __future__ import annotations

import re
from typing import Final

from tracer.records import Json
from tracer.wire.dialects.parsers import constant, present, text
from tracer.wire.dialects.table import NAME, Dialect, Rule

_MARKS: Final = ("db.system.name", "db.system", "db.query.text", "db.statement")

_ATTRIBUTES: Final = {
    "summary": ("db.query.summary",),
    "operation": ("db.operation.name", "db.operation"),
    "target": ("db.collection.name", "db.sql.table", "db.mongodb.collection"),
    "query": ("db.query.text", "db.statement"),
    "database": ("db.namespace", "db.name"),
    "system": ("db.system.name", "db.system"),
}

_TABLE: Final = re.compile(r'\b(?:FROM|INTO|UPDATE|TABLE|JOIN)\s+(["`\[\]\w.]+)', re.IGNORECASE)
_MAX_CHARACTERS: Final = 2_000


def _named(parts: dict[str, Json]) -> tuple[Json, bool]:
    """Return operation and table instead of a name with less detail: ``SELECT``, the query."""
    sent = parts.get("name", "")
    query = parts.get("query", "")[:_MAX_CHARACTERS]
    operation = parts.get("operation") or query.lstrip("( \t\r\n").partition(" ")[0].upper()
    readable = parts.get("summary") or " ".join(filter(None, (operation, _target(parts, query))))
    words = {"", operation.upper(), "QUERY", "EXECUTE", "CURSOR"}
    tables = [parts[part].upper() for part in ("database", "system") if part in parts]
    words.update(tables)
    words.update(f"{operation.upper()} {table}" for table in tables)
    is_less_exact = sent.upper() in words or (query and sent.strip() == query.strip())
    return readable if is_less_exact and readable else sent, True


def _target(parts: dict[str, Json], query: str) -> str | None:
    if target := parts.get("target"):
        return str(target)
    match = _TABLE.search(query)
    return re.sub(r'["`\[\]]', "", match[1]) if match else None


DIALECT: Final = Dialect(
    "database",
    rules=(
        *(Rule("kind_hint", key, constant("database"), keep=True) for key in _MARKS),
        Rule("input", "db.query.text", present, late=True),
        Rule("input", "db.statement", present, late=True),
        Rule("name", NAME, present, "name", _named, late=True),
        *(
            Rule("name", key, text, part, _named, keep=True, late=True)
            for part, keys in _ATTRIBUTES.items()
            for key in keys
        ),
    ),
)
