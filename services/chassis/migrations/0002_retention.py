"""Which topic an event was heard on, and the orders in which what is over is found. Rows from before know no topic, and stay."""

from alembic import op

revision = "chassis_0002"
down_revision = "chassis_0001"


def upgrade() -> None:
    op.execute("ALTER TABLE inbox ADD COLUMN topic text")
    op.execute("CREATE INDEX inbox_over ON inbox (topic, heard_at)")
    op.execute("CREATE INDEX outbox_over ON outbox (topic, published_at) WHERE published_at IS NOT NULL")
    op.execute("CREATE INDEX replies_over ON replies (at)")


def downgrade() -> None:
    for index in ("replies_over", "outbox_over", "inbox_over"):
        op.execute(f"DROP INDEX {index}")
    op.execute("ALTER TABLE inbox DROP COLUMN topic")
