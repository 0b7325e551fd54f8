"""Creates the index of the spans that name a prompt."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index; spans without a prompt, most of all, are not in it."""
    op.execute("""
        CREATE INDEX ix_span_payloads_prompt
        ON span_payload_rows (project_id, prompt_name, prompt_version)
        WHERE prompt_name IS NOT NULL
    """)


def downgrade() -> None:
    """Drop the index."""
    op.execute("DROP INDEX ix_span_payloads_prompt")
