"""Creates the table of saved views."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE TABLE saved_views (
    project_id TEXT NOT NULL,
    view_id TEXT NOT NULL,
    list TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    owner_id TEXT,
    position INTEGER DEFAULT 0 NOT NULL,
    is_default BOOLEAN DEFAULT false NOT NULL,
    author TEXT,
    author_id TEXT,
    member_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (project_id, view_id)
);
CREATE INDEX ix_saved_views_list ON saved_views (project_id, list, position);
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(UPGRADE)


def downgrade() -> None:
    """Drop the table with all views."""
    op.execute("DROP TABLE saved_views")
