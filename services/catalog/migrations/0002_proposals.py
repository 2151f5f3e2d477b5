"""What a model was asked about drafts, and what it proposed."""

from alembic import op

revision = "catalog_0002"
down_revision = "catalog_0001"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE askings (
            benefit text NOT NULL REFERENCES benefits,
            version integer NOT NULL,
            document text NOT NULL,
            attempts integer NOT NULL,
            characters integer NOT NULL,
            due_at timestamptz NOT NULL,
            outcome text,
            dropped jsonb,
            PRIMARY KEY (benefit, version)
        )
        """
    )
    op.execute("CREATE INDEX askings_of ON askings (document)")
    op.execute(
        """
        CREATE TABLE proposals (
            id text PRIMARY KEY,
            seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            benefit text NOT NULL REFERENCES benefits,
            version integer NOT NULL,
            author text NOT NULL,
            kind text NOT NULL,
            quote text NOT NULL,
            node text NOT NULL,
            made_at timestamptz NOT NULL,
            decision text,
            decided_by text,
            decided_why text,
            decided_at timestamptz
        )
        """
    )
    op.execute("CREATE INDEX proposals_of ON proposals (benefit, seq)")


def downgrade() -> None:
    for table in ("proposals", "askings"):
        op.execute(f"DROP TABLE {table}")
