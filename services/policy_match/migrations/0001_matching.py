"""What policy_match keeps: benefits, statements and the profiles they add up to, eligible pairs, runs, answers, disputes."""

from alembic import op

revision = "policy_match_0001"
down_revision = None

TABLES = ("benefits", "statements", "profiles", "former_usccs", "disputes", "matches", "runs", "answers", "days")


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE benefits (
            id text PRIMARY KEY,
            version integer NOT NULL,
            status text NOT NULL CHECK (status IN ('published', 'suspended', 'withdrawn', 'expired')),
            matched boolean NOT NULL,
            body jsonb NOT NULL,
            traceparent text,
            changed_at timestamptz NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE statements (
            id text PRIMARY KEY,
            uscc text NOT NULL,
            authority text NOT NULL,
            delivery text NOT NULL,
            true_on date NOT NULL,
            known_on timestamptz NOT NULL,
            name text,
            facts jsonb NOT NULL,
            records jsonb NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX statements_uscc ON statements (uscc, known_on)")
    op.execute(
        """
        CREATE TABLE profiles (
            uscc text NOT NULL,
            authority text NOT NULL,
            name text NOT NULL,
            partition smallint NOT NULL,
            facts jsonb NOT NULL,
            records jsonb NOT NULL,
            stated jsonb NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (uscc, authority)
        )
        """
    )
    op.execute("CREATE INDEX profiles_partition ON profiles (partition)")
    op.execute("CREATE TABLE former_usccs (former text PRIMARY KEY, uscc text NOT NULL, since date NOT NULL)")
    op.execute(
        """
        CREATE TABLE disputes (
            id text PRIMARY KEY,
            uscc text NOT NULL,
            fact text NOT NULL,
            authority text NOT NULL,
            claimed jsonb,
            reason text,
            at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX disputes_uscc ON disputes (uscc, at)")
    op.execute(
        """
        CREATE TABLE matches (
            uscc text NOT NULL,
            benefit text NOT NULL,
            occasion text NOT NULL,
            version integer NOT NULL,
            low numeric(18, 2),
            high numeric(18, 2),
            deadline date,
            partition smallint NOT NULL,
            since timestamptz NOT NULL,
            PRIMARY KEY (uscc, benefit, occasion)
        )
        """
    )
    op.execute("CREATE INDEX matches_shard ON matches (partition, benefit)")
    op.execute(
        """
        CREATE TABLE runs (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            benefit text NOT NULL,
            version integer NOT NULL,
            partition smallint NOT NULL,
            as_of date NOT NULL,
            reason text NOT NULL,
            eligible integer NOT NULL,
            ineligible integer NOT NULL,
            undetermined integer NOT NULL,
            faulty integer NOT NULL,
            low numeric(20, 2) NOT NULL,
            high numeric(20, 2),
            at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX runs_last ON runs (benefit, partition, id)")
    op.execute(
        """
        CREATE TABLE answers (
            id text PRIMARY KEY,
            uscc text NOT NULL,
            benefit text NOT NULL,
            occasion text,
            message text,
            kind text NOT NULL CHECK (kind IN ('read', 'confirmed', 'declined', 'feedback')),
            reason text,
            rating integer,
            not_for_me boolean NOT NULL DEFAULT false,
            at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX answers_uscc ON answers (uscc, benefit, at)")
    op.execute("CREATE TABLE days (day date PRIMARY KEY, at timestamptz NOT NULL)")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
