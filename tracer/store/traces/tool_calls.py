"""SQL for the tools that a span was offered and those that it called, from its raw payload.

A tool call is recognised as `tracer.messages.parts` does, at any depth of the output.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from tracer.messages.parts import TOOL_CALLS

_OWN_TYPES: Final = "|".join(word for word in TOOL_CALLS if not word.endswith("_call"))
# Strict mode: the lax mode would return elements of arrays twice.
_PATHS: Final = (
    f'strict $.** ? (@.type like_regex "_call$|^({_OWN_TYPES})$")',
    *(f'strict $.** ? (@.{key}.type() == "array").{key}[*]' for key in ("tool_calls", "toolCalls")),
    *(
        f'strict $.** ? (@.{key}.type() == "object").{key}'
        for key in ("functionCall", "function_call", "toolUse")
    ),
)
_ALL_CALLS: Final = " UNION ALL ".join(
    f"SELECT jsonb_path_query(output, '{path}')" for path in _PATHS
)
_KNOWN: Final = ", ".join(f"'{word}'" for word in TOOL_CALLS)
# APIs repeat a call in several places under one id, and list definitions of tools beside the calls;
# definitions have no arguments. A built-in tool of the API is named by the type of its call alone,
# and its call has a status or action, which other objects of that type lack.
_CALLS: Final = f"""
    SELECT DISTINCT ON (1)
        coalesce(call ->> 'call_id', call ->> 'toolCallId', call ->> 'toolUseId', call ->> 'id',
            call ::text),
        coalesce(call ->> 'name', call ->> 'toolName', call -> 'function' ->> 'name',
            CASE WHEN call ->> 'type' NOT IN ({_KNOWN})
                THEN regexp_replace(call ->> 'type', '_call$', '') END) AS name
    FROM (SELECT span_payloads.output::jsonb AS output) sent, LATERAL ({_ALL_CALLS}) calls (call)
    WHERE jsonb_typeof(call) = 'object' AND CASE
        WHEN call ->> 'type' = 'function' THEN call -> 'function' ? 'arguments'
        ELSE coalesce(call ->> 'type' IN ({_KNOWN}), true) OR call ? 'status' OR call ? 'action'
    END
"""  # noqa: S608 - composed of constants; values are bound
_OFFERED: Final = """
    SELECT coalesce(tool -> 'function' ->> 'name', tool ->> 'name') AS name
    FROM (
        SELECT jsonb_path_query(span_payloads.tools::jsonb, '$[*]') AS tool
        UNION ALL
        SELECT jsonb_path_query(span_payloads.tools::jsonb,
            '$[*].keyvalue() ? (@.key like_regex "^function_?[dD]eclarations$").value[*]')
    ) tools
"""


def _names(rows: str) -> sa.ColumnElement[Any]:
    names = f"ARRAY(SELECT DISTINCT name FROM ({rows}) named WHERE name IS NOT NULL ORDER BY name)"  # noqa: S608 - composed of constants; values are bound
    return sa.literal_column(f"({names})", ARRAY(sa.Text))


def _number(rows: str) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"(SELECT count(*) FROM ({rows}) counted)", sa.Integer)  # noqa: S608 - composed of constants; values are bound


OFFERED: Final = _names(_OFFERED)
"""Names of the tools that a span was offered, sorted; a column for queries on span_payloads."""
CALLED: Final = _names(_CALLS)
"""Names of the tools that a span called, without repetitions."""
OFFER_COUNT: Final = sa.func.cardinality(OFFERED, type_=sa.Integer)
CALL_COUNT: Final = _number(_CALLS)
"""Number of tool calls of a span."""
