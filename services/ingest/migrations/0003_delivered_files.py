"""The checked files of bulk deliveries, in parts, for as long as their events may still be heard."""

from alembic import op

revision = "ingest_0003"
down_revision = "ingest_0002"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE delivered_files (
            delivery text NOT NULL REFERENCES deliveries,
            part integer NOT NULL,
            kept_at timestamptz NOT NULL,
            body bytea NOT NULL,
            PRIMARY KEY (delivery, part)
        )
        """
    )
    op.execute("ALTER TABLE delivered_files ALTER COLUMN body SET STORAGE EXTERNAL")  # it is packed already
    op.execute("CREATE INDEX delivered_files_age ON delivered_files (kept_at)")


def downgrade() -> None:
    op.execute("DROP TABLE delivered_files")
