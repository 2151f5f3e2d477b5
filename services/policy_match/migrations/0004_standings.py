"""Where the city's enterprises stand for the population tests of benefits: the figures ranked, as of one day."""

from alembic import op

revision = "policy_match_0004"
down_revision = "policy_match_0003"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE standings (
            test bytea PRIMARY KEY,
            as_of date NOT NULL,
            at timestamptz NOT NULL,
            ascending boolean NOT NULL,
            unranked integer NOT NULL,
            figures text NOT NULL
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE standings")
