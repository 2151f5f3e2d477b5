"""Each service's database: its migrations go up, down and up again, and give just the tables the code describes."""

import importlib

import asyncpg
import pytest
from sqlmodel import SQLModel

from deploy.embedded import SERVICES
from services.chassis.database import migrate
from tests.running import differences

CHASSIS = {"outbox", "inbox", "dead_letters", "parked", "api_keys", "replies"}


async def tables(database: str) -> set[str]:
    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')")
        return {row["relname"] for row in rows}
    finally:
        await connection.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_database_goes_up_down_and_up_again(database: str, service: str) -> None:
    await migrate(database, service)
    made = await tables(database)
    assert made > CHASSIS
    await migrate(database, service)  # once more is no change
    await migrate(database, service, down=True)
    assert await tables(database) == {"chassis_version", "service_version"}
    await migrate(database, service)
    assert await tables(database) == made


async def test_the_chassis_tables_are_what_the_code_describes(database: str) -> None:
    await migrate(database, "ingest")
    described = SQLModel.metadata
    for module in ("auth", "inbox", "outbox", "replies", "waiting"):
        importlib.import_module(f"services.chassis.{module}")
    mine = type(described)()
    for name in CHASSIS & described.tables.keys():
        described.tables[name].to_metadata(mine)
    assert mine.tables.keys() == CHASSIS
    assert await differences(database, mine) == []


async def test_a_table_the_migrations_did_not_make_so_is_found(database: str) -> None:
    """The comparison can fail: a column missing, one too many, another type."""
    await migrate(database, "ingest")
    connection = await asyncpg.connect(database)
    await connection.execute("ALTER TABLE parked DROP COLUMN error")
    await connection.execute("ALTER TABLE inbox ALTER COLUMN heard_at TYPE timestamp")
    await connection.execute("ALTER TABLE outbox ADD COLUMN extra text")
    await connection.close()
    mine = type(SQLModel.metadata)()
    for name in ("parked", "inbox", "outbox"):
        SQLModel.metadata.tables[name].to_metadata(mine)
    found = str(await differences(database, mine))
    for word in ("error", "heard_at", "extra"):
        assert word in found


async def test_two_services_of_one_deployment_may_start_at_once(database: str) -> None:
    import asyncio

    await asyncio.gather(*(migrate(database, "notify") for _ in range(4)))
    assert await tables(database) > CHASSIS
