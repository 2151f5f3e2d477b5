"""Documents as they were sent and read, their measures, and the deliveries of facts."""

from alembic import op

revision = "ingest_0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE documents (
            document text NOT NULL,
            version integer NOT NULL,
            seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            sha256 text NOT NULL,
            name text NOT NULL,
            status text NOT NULL,
            facts jsonb NOT NULL,
            measures integer NOT NULL,
            raw bytea NOT NULL,
            text text NOT NULL,
            received_at timestamptz NOT NULL,
            trace text,
            PRIMARY KEY (document, version)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE measures (
            document text NOT NULL,
            version integer NOT NULL,
            position integer NOT NULL,
            measure text NOT NULL,
            body jsonb NOT NULL,
            PRIMARY KEY (document, version, position),
            UNIQUE (document, version, measure),
            FOREIGN KEY (document, version) REFERENCES documents
        )
        """
    )
    op.execute(
        """
        CREATE TABLE deliveries (
            delivery text PRIMARY KEY,
            seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            authority text NOT NULL,
            principal text NOT NULL,
            sha256 text NOT NULL,
            received_at timestamptz NOT NULL,
            accepted integer NOT NULL,
            refused integer NOT NULL,
            errors jsonb NOT NULL,
            trace text
        )
        """
    )
    op.execute("CREATE INDEX deliveries_of ON deliveries (authority, seq)")


def downgrade() -> None:
    for table in ("deliveries", "measures", "documents"):
        op.execute(f"DROP TABLE {table}")
