"""What notify keeps: what it heard of benefits, documents and claims; messages and answers; webhooks, deliveries and attempts."""

from alembic import op

revision = "notify_0001"
down_revision = None

TABLES = ("benefits", "documents", "claims", "messages", "answers", "webhooks", "deliveries", "attempts")


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE benefits (
            id text PRIMARY KEY,
            version integer NOT NULL,
            status text NOT NULL,
            body jsonb NOT NULL,
            changed_at timestamptz NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE documents (
            id text PRIMARY KEY,
            version integer NOT NULL,
            title text NOT NULL,
            doc_number text,
            issuer text,
            repealed_on date
        )
        """
    )
    op.execute(
        """
        CREATE TABLE claims (
            id text PRIMARY KEY,
            match text NOT NULL,
            state text NOT NULL,
            amount numeric(18, 2),
            why text,
            at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX claims_match ON claims (match)")
    op.execute("CREATE SEQUENCE message_seq CACHE 1")
    op.execute(
        """
        CREATE TABLE messages (
            id text PRIMARY KEY,
            uscc text NOT NULL,
            benefit text NOT NULL,
            occasion text NOT NULL,
            version integer NOT NULL,
            low numeric(18, 2),
            high numeric(18, 2),
            deadline date,
            as_of date NOT NULL,
            status text NOT NULL CHECK (status IN ('new', 'read', 'confirmed', 'declined', 'withdrawn')),
            withdrawn_because text,
            seq bigint NOT NULL DEFAULT nextval('message_seq'),
            traceparent text,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            UNIQUE (uscc, benefit, occasion)
        )
        """
    )
    op.execute("CREATE INDEX messages_ledger ON messages (benefit, id)")
    op.execute(
        """
        CREATE TABLE answers (
            id text PRIMARY KEY,
            message text NOT NULL REFERENCES messages,
            kind text NOT NULL CHECK (kind IN ('read', 'confirmed', 'declined', 'feedback')),
            rating integer,
            not_for_me boolean NOT NULL DEFAULT false,
            words text,
            by text NOT NULL,
            at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX answers_message ON answers (message, at)")
    op.execute(
        """
        CREATE TABLE webhooks (
            id text PRIMARY KEY,
            principal text NOT NULL,
            url text NOT NULL,
            generation integer NOT NULL DEFAULT 1,
            rotated_at timestamptz,
            created_at timestamptz NOT NULL,
            removed_at timestamptz
        )
        """
    )
    op.execute(
        """
        CREATE TABLE deliveries (
            webhook text NOT NULL REFERENCES webhooks,
            id text NOT NULL,
            message text NOT NULL,
            body jsonb NOT NULL,
            state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
            tries integer NOT NULL DEFAULT 0,
            due timestamptz NOT NULL,
            traceparent text,
            created_at timestamptz NOT NULL,
            PRIMARY KEY (webhook, id)
        )
        """
    )
    op.execute("CREATE INDEX deliveries_due ON deliveries (due) WHERE state = 'waiting'")
    op.execute(
        """
        CREATE TABLE attempts (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            webhook text NOT NULL REFERENCES webhooks,
            delivery text NOT NULL,
            status integer,
            error text,
            milliseconds integer NOT NULL,
            at timestamptz NOT NULL
        )
        """
    )
    op.execute("CREATE INDEX attempts_webhook ON attempts (webhook, id)")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP SEQUENCE message_seq")
