"""Versions of documents as they were sent and read, their measures, what they repeal, and the deliveries of facts."""

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
            names jsonb NOT NULL,
            received_at timestamptz NOT NULL,
            trace text,
            PRIMARY KEY (document, version)
        )
        """
    )
    op.execute("CREATE INDEX documents_with_bytes ON documents (sha256)")
    op.execute(
        """
        CREATE TABLE repeals (
            by text NOT NULL,
            version integer NOT NULL,
            place integer NOT NULL,
            seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            name text,
            number text,
            words text NOT NULL,
            repealed_on date,
            repealed text,
            PRIMARY KEY (by, version, place),
            FOREIGN KEY (by, version) REFERENCES documents
        )
        """
    )
    op.execute("CREATE INDEX repeals_of ON repeals (repealed)")
    op.execute(
        """
        CREATE TABLE measures (
            document text NOT NULL,
            version integer NOT NULL,
            position integer NOT NULL,
            measure text NOT NULL,
            body jsonb NOT NULL,
            places jsonb NOT NULL,
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
    for table in ("deliveries", "measures", "repeals", "documents"):
        op.execute(f"DROP TABLE {table}")
