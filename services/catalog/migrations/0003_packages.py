"""Packages of policies that were taken from other cities."""

from alembic import op

revision = "catalog_0003"
down_revision = "catalog_0002"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE imports (
            package text PRIMARY KEY,
            key text NOT NULL,
            signer text NOT NULL,
            document text NOT NULL,
            version integer NOT NULL,
            manifest text NOT NULL,
            text text NOT NULL,
            benefits jsonb NOT NULL,
            brought boolean NOT NULL,
            by text NOT NULL,
            at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX imports_of ON imports (document, version)")


def downgrade() -> None:
    op.execute("DROP TABLE imports")
