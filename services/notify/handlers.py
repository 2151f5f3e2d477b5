"""What notify does with each event: keep what words need, and bring every match to its enterprise's inbox, once.

A match has one message: the message's id is the match's. Every batch of matches takes the lock of its partition first, so that the
sequence numbers of one enterprise's messages become visible in their order, and a live stream that resumes at one misses none.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID, uuid5

from contracts.events import (
    AnswerWanted,
    BenefitAmended,
    BenefitEvent,
    BenefitExpired,
    BenefitPublished,
    BenefitResumed,
    BenefitSuspended,
    BenefitWithdrawn,
    ClaimEvent,
    DocumentRead,
    DocumentRepealed,
    MatchChanged,
    MatchFound,
    MatchLost,
)
from contracts.rules import Benefit
from services.chassis.work import Event, Refused, Work
from services.notify.domain.inbox import Document

STATUS_AFTER: Mapping[type[BenefitEvent], str] = {
    BenefitPublished: "published",
    BenefitAmended: "published",
    BenefitResumed: "published",
    BenefitSuspended: "suspended",
    BenefitWithdrawn: "withdrawn",
    BenefitExpired: "expired",
}


_QUESTIONS = UUID("0c6f3f5e-7f0a-5a63-9c55-6d2f8f1f9d10")
"""The namespace of the ids of messages that ask: one for each enterprise."""


@dataclass(frozen=True)
class Matched:
    """What a message tells of its match; `low` and `high` in yuan, both None where the amount is 以审核为准."""

    id: str
    uscc: str
    benefit: str
    occasion: str
    version: int
    low: Decimal | None
    high: Decimal | None
    deadline: date | None
    as_of: date
    traceparent: str | None


@dataclass(frozen=True)
class Asked:
    """What an enterprise is asked: the facts, how many benefits hang on them, and up to how many yuan (None: no limit known)."""

    id: str
    uscc: str
    questions: list[str]
    benefits: int
    up_to: Decimal | None
    as_of: date
    traceparent: str | None


class Messages(Protocol):
    """The queries the handlers need, bound to one transaction."""

    async def lock(self, partition: int) -> None:
        """Wait until no other transaction writes messages of this partition."""

    async def keep_benefits(self, rows: Collection[tuple[Benefit, int, str]], at: datetime) -> None:
        """Keep (benefit, version, status), unless a newer version is known."""

    async def keep_documents(self, rows: Collection[Document]) -> None:
        """Keep documents, unless a newer version is known."""

    async def repeal_documents(self, rows: Mapping[str, date]) -> None:
        """Keep the day on which documents lost their force."""

    async def keep_claims(self, rows: Collection[tuple[ClaimEvent, str, datetime]]) -> None:
        """Keep (claim, state, since)."""

    async def put(self, rows: Collection[Matched], at: datetime) -> None:
        """One message per match, new or changed, and a delivery of it to every webhook."""

    async def ask(self, rows: Collection[Asked], at: datetime) -> None:
        """One message per enterprise that is asked, new or changed, and a delivery of it to every webhook."""

    async def withdraw(self, lost: Mapping[str, str], at: datetime) -> None:
        """Mark the messages of lost matches (match -> reason), and a delivery of each to every webhook."""


async def on_benefits(events: Sequence[Event[BenefitEvent]], work: Work[Messages]) -> list[Refused]:
    """Keep the newest version of each benefit and how it stands, for the words of its messages."""
    newest = {event.payload.benefit.id: event.payload for event in events}
    await work.store.keep_benefits([(p.benefit, p.version, STATUS_AFTER[type(p)]) for p in newest.values()], work.now)
    return []


async def on_documents_read(events: Sequence[Event[DocumentRead]], work: Work[Messages]) -> list[Refused]:
    """Keep what a message cites of a document."""
    newest = {event.payload.document: event.payload for event in events}
    await work.store.keep_documents(
        [Document(p.document, p.version, p.facts.title, p.facts.doc_number, p.facts.issuer) for p in newest.values()]
    )
    return []


async def on_documents_repealed(events: Sequence[Event[DocumentRepealed]], work: Work[Messages]) -> list[Refused]:
    """Keep that a document lost its force."""
    await work.store.repeal_documents({event.payload.document: event.payload.repealed_on for event in events})
    return []


async def on_matches(events: Sequence[Event[MatchFound] | Event[MatchChanged]], work: Work[Messages]) -> list[Refused]:
    """Bring new and changed matches to the inbox: one message per enterprise, benefit and occasion."""
    rows = {}
    for event in events:
        match = event.payload
        rows[match.match] = Matched(
            id=match.match,
            uscc=match.uscc,
            benefit=match.benefit,
            occasion=match.occasion,
            version=match.version,
            low=match.low,
            high=match.high,
            deadline=match.deadline,
            as_of=match.as_of,
            traceparent=work.trace_of(event),
        )
    await work.store.lock(events[0].partition)
    await work.store.put(rows.values(), work.now)
    return []


async def on_matches_lost(events: Sequence[Event[MatchLost]], work: Work[Messages]) -> list[Refused]:
    """Mark the message of a lost match as withdrawn; the enterprise still sees what it was told."""
    await work.store.lock(events[0].partition)
    await work.store.withdraw({event.payload.match: event.payload.reason for event in events}, work.now)
    return []


async def on_answers_wanted(events: Sequence[Event[AnswerWanted]], work: Work[Messages]) -> list[Refused]:
    """Ask an enterprise what only it can say, in one message that goes on being its question; without questions it is withdrawn."""
    newest = {event.payload.uscc: event for event in events}
    asked, answered = [], {}
    for uscc, event in newest.items():
        wanted, identity = event.payload, str(uuid5(_QUESTIONS, uscc))
        if wanted.questions:
            trace = work.trace_of(event)
            asked.append(Asked(identity, uscc, wanted.questions, wanted.benefits, wanted.up_to, wanted.as_of, trace))
        else:
            answered[identity] = "answered"
    await work.store.lock(events[0].partition)
    await work.store.ask(asked, work.now)
    await work.store.withdraw(answered, work.now)
    return []


async def on_claims(events: Sequence[Event[ClaimEvent]], work: Work[Messages]) -> list[Refused]:
    """Keep where a claim stands, to be shown with its message."""
    newest = {event.payload.claim: event for event in events}
    await work.store.keep_claims(
        [(event.payload, type(event.payload).__name__.removeprefix("Claim").lower(), event.time) for event in newest.values()]
    )
    return []
