"""Messages that ask an enterprise what only it can say: the facts asked for, and how many benefits hang on them."""

from alembic import op

revision = "notify_0002"
down_revision = "notify_0001"


def upgrade() -> None:
    op.execute("ALTER TABLE messages ADD COLUMN questions jsonb, ADD COLUMN benefits integer")


def downgrade() -> None:
    op.execute("DELETE FROM deliveries WHERE message IN (SELECT id FROM messages WHERE questions IS NOT NULL)")
    op.execute("DELETE FROM answers WHERE message IN (SELECT id FROM messages WHERE questions IS NOT NULL)")
    op.execute("DELETE FROM messages WHERE questions IS NOT NULL")
    op.execute("ALTER TABLE messages DROP COLUMN questions, DROP COLUMN benefits")
