"""What keeps benefits undetermined, shard by shard as of the last day, and what each enterprise was asked last."""

from alembic import op

revision = "policy_match_0005"
down_revision = "policy_match_0004"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE gaps (
            partition smallint NOT NULL,
            label text NOT NULL,
            benefit text NOT NULL,
            authority text,
            enterprises integer NOT NULL,
            as_of date NOT NULL,
            PRIMARY KEY (partition, label, benefit)
        )
        """
    )
    op.execute("CREATE INDEX gaps_authority ON gaps (authority, label)")
    op.execute(
        """
        CREATE TABLE questions (
            uscc text PRIMARY KEY,
            partition smallint NOT NULL,
            at timestamptz NOT NULL,
            facts jsonb NOT NULL,
            benefits integer NOT NULL,
            up_to numeric(20, 2)
        )
        """
    )
    op.execute("CREATE INDEX questions_partition ON questions (partition)")


def downgrade() -> None:
    op.execute("DROP TABLE questions")
    op.execute("DROP TABLE gaps")
