"""Packages of policies that were taken, and what is asked of a document that is packed."""

from dataclasses import asdict
from typing import Any

import asyncpg

from contracts.rules import dumps, loads
from services.catalog.handlers.packages import Import, Taken
from services.catalog.store.tables import Bound


class Packages(Bound):
    """Imports, by package and by document."""

    async def imported(self, package: str) -> Import | None:
        """The import of a package; None when it was never taken."""
        row = await self._connection.fetchrow("SELECT * FROM imports WHERE package = $1", package)
        return _import(row) if row else None

    async def imports_from(self, key: str, document: str) -> list[Import]:
        """What was taken of a document from the owner of a key, the oldest first."""
        rows = await self._connection.fetch("SELECT * FROM imports WHERE document = $2 AND key = $1 ORDER BY at, package", key, document)
        return [_import(row) for row in rows]

    async def import_of(self, document: str, version: int) -> Import | None:
        """The import by which a version of a document came; None when it came otherwise."""
        row = await self._connection.fetchrow("SELECT * FROM imports WHERE document = $1 AND version = $2 AND brought", document, version)
        return _import(row) if row else None

    async def newest(self, document: str) -> int | None:
        """The newest version of a document from which was drafted; None when there is none."""
        version: int | None = await self._connection.fetchval(
            "SELECT max(version) FROM documents WHERE document = $1 AND drafted_at IS NOT NULL", document
        )
        return version

    async def add_import(self, taken: Import) -> None:
        """Keep an import, and make who imported an author of the drafts that it made."""
        values: dict[str, Any] = {
            "package": taken.package,
            "key": taken.key,
            "signer": taken.signer,
            "document": taken.document,
            "version": taken.version,
            "manifest": dumps(taken.manifest),
            "text": taken.text,
            "benefits": [asdict(one) for one in taken.benefits],
            "brought": taken.brought,
            "by": taken.by,
            "at": taken.at,
        }
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        await self._connection.execute(f"INSERT INTO imports ({', '.join(values)}) VALUES ({places})", *values.values())
        await self._connection.execute(
            "UPDATE benefits SET authors = ARRAY[$2] WHERE id = ANY($1)", [one.benefit for one in taken.benefits if one.new], taken.by
        )


def _import(row: asyncpg.Record) -> Import:
    return Import(**{**row, "manifest": loads(row["manifest"]), "benefits": [Taken(**one) for one in row["benefits"]]})
