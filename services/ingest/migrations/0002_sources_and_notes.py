"""List pages that are watched for new documents, and notes on documents for the person who looks after them."""

from alembic import op

revision = "ingest_0002"
down_revision = "ingest_0001"


def upgrade() -> None:
    op.execute("ALTER TABLE documents ADD COLUMN notes jsonb NOT NULL DEFAULT '[]'")
    op.execute("ALTER TABLE documents ALTER COLUMN notes DROP DEFAULT")
    op.execute(
        """
        CREATE TABLE sources (
            source text PRIMARY KEY,
            seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            url text NOT NULL UNIQUE,
            principal text NOT NULL,
            added_at timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            looked_at timestamptz,
            etag text,
            modified text,
            seen jsonb,
            documents integer NOT NULL,
            failures integer NOT NULL,
            problem text
        )
        """
    )
    op.execute("CREATE INDEX sources_due ON sources (due_at)")


def downgrade() -> None:
    op.execute("DROP TABLE sources")
    op.execute("ALTER TABLE documents DROP COLUMN notes")
