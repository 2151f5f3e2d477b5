"""What has changed in a shard since it was last read: a revision for every change, a new epoch where enterprises were taken out."""

from alembic import op

revision = "policy_match_0002"
down_revision = "policy_match_0001"


def upgrade() -> None:
    op.execute("CREATE TABLE shards (partition smallint PRIMARY KEY, epoch uuid NOT NULL, revision bigint NOT NULL)")
    op.execute("INSERT INTO shards SELECT DISTINCT partition, gen_random_uuid(), 0 FROM profiles")
    op.execute("ALTER TABLE profiles ADD COLUMN revision bigint NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE profiles ALTER COLUMN revision DROP DEFAULT")
    op.execute("DROP INDEX profiles_partition")
    op.execute("CREATE INDEX profiles_partition ON profiles (partition, revision)")


def downgrade() -> None:
    op.execute("DROP INDEX profiles_partition")
    op.execute("CREATE INDEX profiles_partition ON profiles (partition)")
    op.execute("ALTER TABLE profiles DROP COLUMN revision")
    op.execute("DROP TABLE shards")
