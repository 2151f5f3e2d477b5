"""Documents and measures as heard: what they say, what was drafted from them, what replaced them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import asyncpg

from contracts.events import DocumentRead, MeasureRead
from services.catalog.domain.facets import level_of
from services.catalog.domain.search import tsvector
from services.catalog.handlers import DocumentHeard, Force, known_departments
from services.catalog.store.tables import Bound


class Documents(Bound):
    """Documents with their measures, version by version."""

    async def lock_documents(self, documents: Sequence[str]) -> None:
        """Wait until nobody else works on these documents, and keep them until the transaction ends."""
        await self._connection.execute(
            "SELECT pg_advisory_xact_lock(hashtext('catalog.document'), key)"
            " FROM (SELECT DISTINCT hashtext(d) AS key FROM unnest($1::text[]) AS d ORDER BY key) AS keys",
            list(documents),
        )

    async def add_documents(self, heard: Sequence[tuple[DocumentRead, str | None]], now: datetime) -> None:
        """Keep versions of documents with their traces; those that are there stay."""
        await self._connection.execute(
            "INSERT INTO documents (document, version, measures, said, trace, heard_at, level)"
            " SELECT d, v, m, s, t, $6, l FROM unnest($1::text[], $2::int[], $3::int[], $4::jsonb[], $5::text[], $7::text[])"
            " AS u(d, v, m, s, t, l) ON CONFLICT DO NOTHING",
            [read.document for read, _ in heard],
            [read.version for read, _ in heard],
            [read.measures for read, _ in heard],
            [read.model_dump() for read, _ in heard],
            [trace for _, trace in heard],
            now,
            [level_of(read.facts.issuer) for read, _ in heard],
        )

    async def add_measures(self, measures: Sequence[MeasureRead]) -> None:
        """Keep measures; those that are there stay."""
        await self._connection.execute(
            "INSERT INTO measures (document, version, measure, position, title, body, said, words, heading, departments)"
            " SELECT d, v, m, p, t, b, s, w::tsvector, h::tsvector, string_to_array(u, '、')"
            " FROM unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::text[], $6::text[], $7::jsonb[], $8::text[], $9::text[],"
            " $10::text[]) AS n(d, v, m, p, t, b, s, w, h, u) ON CONFLICT DO NOTHING",
            [measure.document for measure in measures],
            [measure.version for measure in measures],
            [measure.measure for measure in measures],
            [measure.position for measure in measures],
            [measure.title for measure in measures],
            [measure.body for measure in measures],
            [measure.model_dump() for measure in measures],
            [tsvector(("A", measure.title), ("D", measure.body)) for measure in measures],
            [tsvector(("A", measure.title)) for measure in measures],
            ["、".join(known_departments().named(measure.units)) for measure in measures],
        )

    async def replaced(self, document: str, version: int, *, by: int, changed: Sequence[str]) -> None:
        """Note that a version of a document was replaced, and which measures' words changed by it."""
        await self._connection.execute("UPDATE documents SET replaced_by = $3 WHERE document = $1 AND version = $2", document, version, by)
        await self._connection.execute(
            "UPDATE documents SET replaces = $2, changed = $4 WHERE document = $1 AND version = $3", document, version, by, list(changed)
        )

    async def repealed(self, document: str, on: date) -> None:
        """Note that a document lost its force."""
        await self._connection.execute("UPDATE documents SET repealed_on = $2 WHERE document = $1", document, on)

    async def force_of(self, document: str, measure: str, version: int | None) -> Force:
        """What became of the words of a measure since a version of its document; versions not yet complete say nothing."""
        row = await self._connection.fetchrow(
            "SELECT max(repealed_on) AS repealed_on,"
            " max(version) FILTER (WHERE version > $3 AND $2 = ANY(changed) AND drafted_at IS NOT NULL) AS changed_in,"
            " max(version) FILTER (WHERE version > $3 AND drafted_at IS NOT NULL AND NOT EXISTS"
            " (SELECT FROM measures m WHERE m.document = d.document AND m.version = d.version AND m.measure = $2)) AS left_out_in"
            " FROM documents d WHERE document = $1",
            document,
            measure,
            version,
        )
        return Force(**row) if row else Force()

    async def facts_of(self, documents: Sequence[str]) -> dict[str, tuple[dict[str, Any], str | None]]:
        """What the newest versions of documents say of themselves, and their level."""
        rows = await self._connection.fetch(
            "SELECT DISTINCT ON (document) document, said->'facts' AS facts, level FROM documents WHERE document = ANY($1)"
            " ORDER BY document, version DESC",
            list(set(documents)),
        )
        return {row["document"]: (row["facts"], row["level"]) for row in rows}

    async def undrafted(self, documents: Sequence[str]) -> list[DocumentHeard]:
        """Those of the documents' versions that are complete, from which nothing was drafted yet, and before which nothing waits.

        A version after the first is complete when it is also known what it replaces.
        """
        rows = await self._connection.fetch(
            f"{_HEARD} WHERE d.document = ANY($1) AND d.drafted_at IS NULL AND (d.version = 1 OR d.replaces IS NOT NULL)"
            " AND NOT EXISTS (SELECT FROM documents f WHERE f.document = d.document AND f.version < d.version AND f.drafted_at IS NULL)"
            " GROUP BY d.document, d.version HAVING count(m.measure) >= d.measures",
            list(documents),
        )
        return [_heard(row) for row in rows]

    async def heard(self, document: str, version: int) -> DocumentHeard | None:
        """A version of a document with its measures; None when there is none."""
        row = await self._connection.fetchrow(
            f"{_HEARD} WHERE d.document = $1 AND d.version = $2 GROUP BY d.document, d.version", document, version
        )
        return _heard(row) if row else None

    async def drafted(self, heard: Sequence[DocumentHeard], now: datetime) -> None:
        """Note that these documents' benefits were drafted."""
        await self._connection.execute(
            "UPDATE documents SET drafted_at = $3 FROM unnest($1::text[], $2::int[]) AS u(d, v) WHERE document = d AND version = v",
            [one.read.document for one in heard],
            [one.read.version for one in heard],
            now,
        )

    async def measure(self, measure: str) -> dict[str, Any] | None:
        """The newest version of a measure; None when there is none."""
        said: dict[str, Any] | None = await self._connection.fetchval(
            "SELECT said FROM measures WHERE measure = $1 ORDER BY version DESC LIMIT 1", measure
        )
        return said


_HEARD = (
    "SELECT d.said, d.trace, d.replaces, d.changed,"
    " (SELECT max(repealed_on) FROM documents r WHERE r.document = d.document) AS repealed_on,"
    " coalesce(array_agg(m.said ORDER BY m.position) FILTER (WHERE m.measure IS NOT NULL), '{}') AS measures"
    " FROM documents d LEFT JOIN measures m USING (document, version)"
)


def _heard(row: asyncpg.Record) -> DocumentHeard:
    return DocumentHeard(
        read=DocumentRead.model_validate(row["said"]),
        measures=[MeasureRead.model_validate(said) for said in row["measures"]],
        trace=row["trace"],
        replaces=row["replaces"],
        changed=frozenset(row["changed"] or ()),
        repealed_on=row["repealed_on"],
    )
