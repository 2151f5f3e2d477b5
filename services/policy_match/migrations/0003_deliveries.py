"""Bulk files of facts: what was delivered, and the lines of each shard until they are loaded."""

from alembic import op

revision = "policy_match_0003"
down_revision = "policy_match_0002"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE deliveries (
            delivery text PRIMARY KEY,
            identity text NOT NULL,
            authority text NOT NULL,
            address text NOT NULL,
            sha256 text NOT NULL,
            rows integer NOT NULL,
            true_on date NOT NULL,
            known_on timestamptz NOT NULL,
            traceparent text,
            state text NOT NULL CHECK (state IN ('waiting', 'loading', 'loaded')),
            due_at timestamptz NOT NULL,
            failures integer NOT NULL,
            problem text,
            loaded integer NOT NULL,
            changed integer NOT NULL,
            left_out integer NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX deliveries_due ON deliveries (due_at) WHERE state <> 'loaded'")
    op.execute(
        """
        CREATE TABLE delivered_shards (
            delivery text NOT NULL REFERENCES deliveries,
            partition smallint NOT NULL,
            lines bytea NOT NULL,
            PRIMARY KEY (delivery, partition)
        )
        """
    )
    op.execute("ALTER TABLE delivered_shards ALTER COLUMN lines SET STORAGE EXTERNAL")  # they are packed already


def downgrade() -> None:
    op.execute("DROP TABLE delivered_shards")
    op.execute("DROP TABLE deliveries")
