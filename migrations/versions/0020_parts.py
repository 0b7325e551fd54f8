"""Adds `parts`, the repeated pieces of payloads, and the view that puts payloads together."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# In the order of their bits in `split`; the parts of the last three belong to the project.
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
COLUMNS = (
    "project_id",
    "trace_id",
    "span_id",
    "input",
    "output",
    "metadata",
    "attributes",
    "events",
    "links",
    "resource",
    "scope",
    "usage",
    "cost",
    "cost_source",
    "priced_by",
    "requested_model",
    "provider",
    "model_parameters",
    "tools",
    "finish_reasons",
    "prompt_name",
    "prompt_version",
    "dialect",
    "claimed",
    "notes",
    "sent_parent_id",
    "patch",
)

PARTS = """
    CREATE TABLE parts (
        project_id text NOT NULL,
        trace_id text NOT NULL,
        hash bytea NOT NULL,
        text text NOT NULL,
        PRIMARY KEY (project_id, trace_id, hash)
    )
"""

# A part whose hash begins with a set bit is a skeleton itself (tracer.store.parts.split).
# Each part is looked up by a subquery of its own: a join may be planned as a scan of all parts.
ASSEMBLE = """
    CREATE FUNCTION assemble_payload(of_project text, of_trace text, skeleton json) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
    BEGIN
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


def upgrade() -> None:
    """Add the table, the function and the view; the payloads keep their rows."""
    op.execute(PARTS)
    op.execute("ALTER TABLE span_payloads RENAME TO span_payload_rows")
    op.execute("ALTER INDEX span_payloads_pkey RENAME TO span_payload_rows_pkey")
    op.execute("ALTER TABLE span_payload_rows ADD COLUMN split integer")
    op.execute(ASSEMBLE)
    op.execute(f"""
        CREATE VIEW span_payloads AS
        SELECT {", ".join(_column(name) for name in COLUMNS)} FROM span_payload_rows r
    """)  # noqa: S608 - composed of constants; values are bound


def _column(name: str) -> str:
    if name not in SPLIT:
        return f"r.{name}"
    trace_id = "''" if name in OF_PROJECT else "r.trace_id"
    return (
        f"CASE WHEN r.split & {1 << SPLIT.index(name)} <> 0"
        f" THEN assemble_payload(r.project_id, {trace_id}, r.{name})::json"
        f" ELSE r.{name} END AS {name}"
    )


def downgrade() -> None:
    """Put all payloads together again, and drop what the upgrade added."""
    op.execute("DROP VIEW span_payloads")
    whole = ", ".join(f"{name} = {_column(name).removesuffix(f' AS {name}')}" for name in SPLIT)
    op.execute(f"UPDATE span_payload_rows r SET {whole} WHERE split IS NOT NULL")  # noqa: S608 - composed of constants; values are bound
    op.execute("DROP FUNCTION assemble_payload(text, text, json)")
    op.execute("ALTER TABLE span_payload_rows DROP COLUMN split")
    op.execute("ALTER TABLE span_payload_rows RENAME TO span_payloads")
    op.execute("ALTER INDEX span_payload_rows_pkey RENAME TO span_payloads_pkey")
    op.execute("DROP TABLE parts")
