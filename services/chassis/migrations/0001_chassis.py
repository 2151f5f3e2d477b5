"""What every service's database holds: outbox, inbox, dead letters, parked events, API keys, kept replies."""

from alembic import op

revision = "chassis_0001"
down_revision = None

TABLES = ("outbox", "inbox", "dead_letters", "parked", "api_keys", "replies")


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            event_id uuid NOT NULL,
            type text NOT NULL,
            topic text NOT NULL,
            key text NOT NULL,
            partition integer,
            body bytea NOT NULL,
            said_at timestamptz NOT NULL,
            traceparent text,
            link text,
            published_at timestamptz
        )
        """
    )
    op.execute("CREATE INDEX outbox_waiting ON outbox (id) WHERE published_at IS NULL")
    op.execute(
        """
        CREATE TABLE inbox (
            consumer text NOT NULL,
            source text NOT NULL,
            event_id text NOT NULL,
            heard_at timestamptz NOT NULL,
            PRIMARY KEY (consumer, source, event_id)
        )
        """
    )
    for name, extra in (
        ("dead_letters", "reason text NOT NULL, resolved_at timestamptz, resolution text"),
        ("parked", "error text NOT NULL"),
    ):
        op.execute(
            f"""
            CREATE TABLE {name} (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                consumer text NOT NULL,
                source text NOT NULL,
                event_id text NOT NULL,
                topic text NOT NULL,
                partition integer NOT NULL,
                "offset" bigint NOT NULL,
                key text NOT NULL,
                headers jsonb NOT NULL,
                body bytea,
                at timestamptz NOT NULL,
                {extra},
                UNIQUE (consumer, source, event_id)
            )
            """
        )
    op.execute("CREATE INDEX parked_keys ON parked (consumer, key, id)")
    op.execute(
        """
        CREATE TABLE api_keys (
            hash bytea PRIMARY KEY,
            prefix text NOT NULL,
            kind text NOT NULL,
            name text NOT NULL,
            department text NOT NULL DEFAULT '',
            uscc text NOT NULL DEFAULT '',
            roles text[] NOT NULL DEFAULT '{}',
            scopes text[] NOT NULL,
            created_at timestamptz NOT NULL,
            expires_at timestamptz,
            revoked_at timestamptz
        )
        """
    )
    op.execute(
        """
        CREATE TABLE replies (
            principal text NOT NULL,
            idempotency_key text NOT NULL,
            request bytea NOT NULL,
            status integer,
            headers jsonb,
            body bytea,
            at timestamptz NOT NULL,
            PRIMARY KEY (principal, idempotency_key)
        )
        """
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
