"""Deliveries of facts: a few are said one by one, many lie ready as one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from contracts.events import FactsDelivered, FactsStated
from services.chassis.work import Work
from services.ingest.domain.statements import Checked, Fault
from services.ingest.handlers import FAULTS_KEPT, Delivery, Store

BULK = 5_000
"""More good rows of a table than these are one FactsDelivered: a file that matching loads shard by shard. Up to so many are said one
by one, because each then takes effect at once."""


@dataclass(frozen=True)
class CheckedTable:
    """A table after the check: how many rows were good and refused, its first faults, and the file of the good ones."""

    accepted: int
    refused: int
    faults: tuple[Fault, ...]
    file: Path
    sha256: str  # of the file


async def keep_statements(checked: Checked, work: Work[Store], *, sha256: str, authority: str, principal: str) -> Delivery:
    """Say every good line as FactsStated and keep what came of the delivery; `sha256` is of what was sent."""
    delivery = _delivery(len(checked.statements), checked.refused, checked.faults, work, sha256, authority, principal)
    await work.store.add_delivery(delivery)
    for statement in checked.statements:
        work.say(
            FactsStated.model_construct(
                uscc=statement.uscc,
                authority=authority,
                true_on=statement.true_on,
                name=statement.name,
                facts=dict(statement.facts),
                records=dict(statement.records),
                delivery=delivery.delivery,
            )
        )
    return delivery


async def keep_table(table: CheckedTable, work: Work[Store], *, sha256: str, authority: str, principal: str, true_on: date) -> Delivery:
    """Keep the good rows of a table as one file and say that it lies ready; `sha256` is of what was sent."""
    delivery = _delivery(table.accepted, table.refused, table.faults, work, sha256, authority, principal)
    await work.store.add_delivery(delivery)
    await work.store.add_file(delivery.delivery, table.file, work.now)
    work.say(
        FactsDelivered(
            delivery=delivery.delivery,
            authority=authority,
            address=f"/v1/deliveries/{delivery.delivery}/file",
            sha256=table.sha256,
            rows=table.accepted,
            true_on=true_on,
        )
    )
    return delivery


def _delivery(
    accepted: int, refused: int, faults: Sequence[Fault], work: Work[Store], sha256: str, authority: str, principal: str
) -> Delivery:
    return Delivery(
        delivery=f"del-{work.new_id()}",
        authority=authority,
        principal=principal,
        sha256=sha256,
        received_at=work.now,
        accepted=accepted,
        refused=refused,
        errors=[{"at": fault.at, "code": fault.code, "problem": fault.problem, "hint": fault.hint} for fault in faults[:FAULTS_KEPT]],
        trace=work.trace_of(),
    )
