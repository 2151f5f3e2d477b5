"""Documents and measures as heard, benefits with their review and history, and what awaits whom."""

from alembic import op

revision = "catalog_0001"
down_revision = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE documents (
            document text NOT NULL,
            version integer NOT NULL,
            measures integer NOT NULL,
            said jsonb NOT NULL,
            trace text,
            heard_at timestamptz NOT NULL,
            drafted_at timestamptz,
            replaced_by integer,
            replaces integer,
            changed text[],
            repealed_on date,
            level text,
            PRIMARY KEY (document, version)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE measures (
            document text NOT NULL,
            version integer NOT NULL,
            measure text NOT NULL,
            position integer NOT NULL,
            title text NOT NULL,
            body text NOT NULL,
            said jsonb NOT NULL,
            words tsvector NOT NULL,
            heading tsvector NOT NULL,
            departments text[] NOT NULL,
            PRIMARY KEY (measure, version)
        )
        """
    )
    op.execute("CREATE INDEX measures_of ON measures (document, position)")
    op.execute("CREATE INDEX measures_words ON measures USING gin (words)")
    op.execute(
        """
        CREATE TABLE benefits (
            id text PRIMARY KEY,
            seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            document text NOT NULL,
            measure text NOT NULL,
            offer text,
            pending text,
            amended boolean NOT NULL,
            authors text[] NOT NULL,
            version integer NOT NULL,
            body text NOT NULL,
            offered_version integer,
            offered text,
            unread jsonb NOT NULL,
            findings jsonb NOT NULL,
            trace text,
            changed_at timestamptz NOT NULL,
            last_day date
        )
        """
    )
    op.execute(
        """
        CREATE TABLE listed (
            benefit text NOT NULL REFERENCES benefits ON DELETE CASCADE,
            side text NOT NULL,
            title text NOT NULL,
            departments text[] NOT NULL,
            kind text NOT NULL,
            mode text NOT NULL,
            districts text[] NOT NULL,
            industries text[] NOT NULL,
            first_day date,
            last_day date,
            words tsvector NOT NULL,
            heading tsvector NOT NULL,
            PRIMARY KEY (benefit, side)
        )
        """
    )
    op.execute("CREATE TABLE sessions (cookie bytea PRIMARY KEY, key bytea NOT NULL, token text NOT NULL, closes_at timestamptz NOT NULL)")
    op.execute("CREATE INDEX listed_words ON listed USING gin (words)")
    op.execute("CREATE INDEX benefits_on_offer ON benefits (seq) WHERE offer IS NOT NULL")
    op.execute("CREATE INDEX benefits_of ON benefits (document, seq)")
    op.execute("CREATE INDEX benefits_due ON benefits (last_day) WHERE offer IN ('published', 'suspended')")
    op.execute(
        """
        CREATE TABLE history (
            seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            benefit text NOT NULL REFERENCES benefits,
            version integer NOT NULL,
            action text NOT NULL,
            status_before text,
            status text NOT NULL,
            by text NOT NULL,
            why text NOT NULL,
            at timestamptz NOT NULL,
            event text,
            body text
        )
        """
    )
    op.execute(
        """
        CREATE TABLE awaiting (
            id text PRIMARY KEY,
            seq bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
            benefit text NOT NULL REFERENCES benefits,
            kind text NOT NULL,
            role text NOT NULL,
            words text NOT NULL,
            document text NOT NULL,
            version integer,
            since timestamptz NOT NULL,
            settled_at timestamptz,
            settled_by text,
            settled_why text
        )
        """
    )
    op.execute("CREATE INDEX awaiting_open ON awaiting (benefit) WHERE settled_at IS NULL")
    op.execute("CREATE INDEX history_of ON history (benefit, seq)")
    op.execute("CREATE INDEX changes ON history (seq) WHERE event IS NOT NULL")


def downgrade() -> None:
    for table in ("sessions", "history", "awaiting", "listed", "benefits", "measures", "documents"):
        op.execute(f"DROP TABLE {table}")
