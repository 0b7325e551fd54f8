"""Lets payloads refer to packs of short values, and makes the index of responses smaller."""

from __future__ import annotations

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# In the order of their bits in `split`.
SPLIT = (
    "input",
    "output",
    "metadata",
    "attributes",
    "events",
    "tools",
    "resource",
    "scope",
    "claimed",
)
OF_PROJECT = SPLIT[-3:]
PACKED = ("input", "output", "events", "tools")
COLUMNS = (
    *("project_id", "trace_id", "span_id", "input", "output", "metadata", "attributes", "events"),
    *("links", "resource", "scope", "usage", "cost", "cost_source", "priced_by"),
    *("requested_model", "provider", "model_parameters", "tools", "finish_reasons", "prompt_name"),
    *("prompt_version", "dialect", "claimed", "notes", "sent_parent_id", "patch"),
)

# A reference to a pack (tracer.store.parts.pack) is `[length, pack, start]`; skeletons, which 0020
# describes, have a text in its third place.
ASSEMBLE = """
CREATE OR REPLACE FUNCTION assemble_payload(of_project text, of_trace text, skeleton json)
RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    {packed}
    RETURN (
        SELECT string_agg(
            CASE WHEN s.number % 2 = 0 THEN s.segment ELSE (
                SELECT string_agg(coalesce((
                    SELECT CASE WHEN get_byte(p.hash, 0) < 128 THEN p.text
                        ELSE assemble_payload(of_project, of_trace, p.text::json) END
                    FROM parts p
                    WHERE p.project_id = of_project AND p.trace_id = of_trace
                        AND p.hash = substring(r.hashes FROM n FOR 12)
                ), '"[missing]"'), ',' ORDER BY n)
                FROM (SELECT decode(s.segment, 'base64') AS hashes) r,
                    generate_series(1, octet_length(r.hashes), 12) n
            ) END, '' ORDER BY s.number
        )
        FROM json_array_elements_text(skeleton) WITH ORDINALITY s (segment, number)
        WHERE s.number > 1
    );
END $$
"""
PACKED_VALUE = """
    IF json_typeof(skeleton -> 2) = 'number' THEN
        RETURN coalesce((
            SELECT convert_from(substring(convert_to(p.text, 'UTF8')
                FROM (skeleton ->> 2)::integer + 1 FOR (skeleton ->> 0)::integer), 'UTF8')
            FROM parts p
            WHERE p.project_id = of_project AND p.trace_id = of_trace
                AND p.hash = decode(skeleton ->> 1, 'base64')
        ), '"[missing]"');
    END IF;
"""
TEXT = """
CREATE OR REPLACE FUNCTION text_of_payload(payload json, is_split boolean) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN is_split THEN (
    SELECT string_agg(segment, ' ')
    FROM json_array_elements_text(payload) WITH ORDINALITY s (segment, number)
    WHERE number > 1 AND number % 2 = 0 {skeleton}
) ELSE payload::text END;
"""
ONLY_SKELETONS = "AND json_typeof(payload -> 2) IS DISTINCT FROM 'number'"
VIEW = "CREATE OR REPLACE VIEW span_payloads AS SELECT {} FROM span_payload_rows r"
# The function gives the same, but takes longer.
UNPACKED = """ WHEN json_typeof(r.{name} -> 2) = 'number' THEN (
    SELECT convert_from(substring(convert_to(pack.text, 'UTF8')
        FROM (r.{name} ->> 2)::integer + 1 FOR (r.{name} ->> 0)::integer), 'UTF8')
    FROM parts pack WHERE pack.project_id = r.project_id AND pack.trace_id = r.trace_id
        AND pack.hash = decode(r.{name} ->> 1, 'base64')
)::json"""

# Built while reads and writes go on. What a build that was interrupted left behind is dropped.
CALLS = """
CREATE INDEX CONCURRENTLY spans_by_call ON spans (project_id, trace_id, hashtext(call_id))
WHERE call_id IS NOT NULL
"""
REPLACE_CALLS = """
DROP INDEX ix_spans_call;
ALTER INDEX spans_by_call RENAME TO ix_spans_call;
"""
FORMER_CALLS = """
DROP INDEX ix_spans_call;
CREATE INDEX ix_spans_call ON spans (project_id, trace_id, call_id) WHERE call_id IS NOT NULL;
"""


def _column(name: str, unpacked: str) -> str:
    if name not in SPLIT:
        return f"r.{name}"
    trace_id = "''" if name in OF_PROJECT else "r.trace_id"
    return (
        f"CASE WHEN coalesce(r.split & {_bit(name)}, 0) = 0 THEN r.{name}"
        f"{unpacked.format(name=name) if name in PACKED else ''}"
        f" ELSE assemble_payload(r.project_id, {trace_id}, r.{name})::json END AS {name}"
    )


def _bit(name: str) -> int:
    return 1 << SPLIT.index(name)


def upgrade() -> None:
    """Replace the functions and the index; stored payloads stay as they are."""
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS spans_by_call")
        op.execute(CALLS)
    op.execute(REPLACE_CALLS)
    op.execute(VIEW.format(", ".join(_column(name, UNPACKED) for name in COLUMNS)))
    op.execute(ASSEMBLE.format(packed=PACKED_VALUE))
    op.execute(TEXT.format(skeleton=ONLY_SKELETONS))


def downgrade() -> None:
    """Put the packed values into their rows again, and build the former index."""
    op.execute(FORMER_CALLS)
    op.execute(VIEW.format(", ".join(_column(name, "") for name in COLUMNS)))
    for name in PACKED:
        op.execute(f"""
            UPDATE span_payload_rows
            SET {name} = assemble_payload(project_id, trace_id, {name})::json,
                split = nullif(split & ~{_bit(name)}, 0)
            WHERE split & {_bit(name)} <> 0 AND json_typeof({name} -> 2) = 'number'
        """)  # noqa: S608 - composed of constants; values are bound
    op.execute("DELETE FROM parts WHERE octet_length(hash) = 6")
    op.execute(ASSEMBLE.format(packed=""))
    op.execute(TEXT.format(skeleton=""))
