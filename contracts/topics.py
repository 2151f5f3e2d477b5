"""The map of what is said: who says it, who listens, by which key, in how many partitions, and how long it is kept.

Twelve partitions are fixed for topics keyed by USCC: changing the number later moves every key (design §4).
"""

from dataclasses import dataclass

from contracts import events
from contracts.events import Payload

DAY = 24 * 3600
FOREVER = -1


@dataclass(frozen=True)
class Topic:
    """One topic: `key` names the payload's field (dotted) the records are keyed by; `kept` is in seconds."""

    name: str
    said_by: str
    heard_by: tuple[str, ...]
    key: str
    partitions: int
    kept: int
    events: tuple[type[Payload], ...]


_CLAIMS = (
    events.ClaimOffered,
    events.ClaimConfirmed,
    events.ClaimReviewing,
    events.ClaimPublicised,
    events.ClaimApproved,
    events.ClaimPaying,
    events.ClaimPaid,
    events.ClaimDeclined,
    events.ClaimObjected,
    events.ClaimRejected,
    events.ClaimLapsed,
    events.ClaimRecovered,
)
_BENEFITS = (
    events.BenefitPublished,
    events.BenefitAmended,
    events.BenefitSuspended,
    events.BenefitResumed,
    events.BenefitWithdrawn,
    events.BenefitExpired,
)
_DOCUMENTS = (events.DocumentRead, events.DocumentReplaced, events.DocumentRepealed, events.DocumentRefused)
_FACTS = (events.FactsStated, events.EnterpriseRenamed, events.FactDisputed, events.FactsDelivered)
_MATCHES = (events.MatchFound, events.MatchChanged, events.MatchLost, events.AnswerWanted)
_ANSWERS = (events.MessageRead, events.BenefitConfirmed, events.BenefitDeclined, events.FeedbackGiven)

TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("documents.v1", "ingest", ("catalog", "notify"), "document", 4, FOREVER, _DOCUMENTS),
        Topic("measures.v1", "ingest", ("catalog",), "document", 4, FOREVER, (events.MeasureRead,)),
        Topic("benefits.v1", "catalog", ("policy_match", "notify"), "benefit.id", 4, FOREVER, _BENEFITS),
        Topic("facts.v1", "ingest", ("policy_match",), "uscc", 12, 30 * DAY, _FACTS),
        Topic("sweeps.v1", "policy_match", ("policy_match",), "partition", 12, 7 * DAY, (events.SweepDue,)),
        Topic("matches.v1", "policy_match", ("notify",), "uscc", 12, 30 * DAY, _MATCHES),
        Topic("claims.v1", "policy_match", ("notify",), "uscc", 12, 90 * DAY, _CLAIMS),
        Topic("answers.v1", "notify", ("policy_match",), "uscc", 12, 90 * DAY, _ANSWERS),
    )
}
"""Every topic by name."""

TOPIC_OF: dict[type[Payload], Topic] = {event: topic for topic in TOPICS.values() for event in topic.events}
"""Where an event is said."""

EVENTS: dict[str, type[Payload]] = {event.__name__: event for event in TOPIC_OF}
"""Every event by name."""


def type_name(event: type[Payload]) -> str:
    """The CloudEvents `type` of an event, for example `zhaoqi.MatchFound.v1`."""
    return f"zhaoqi.{event.__name__}.{TOPIC_OF[event].name.rsplit('.', 1)[1]}"


EVENT_OF_TYPE: dict[str, type[Payload]] = {type_name(event): event for event in TOPIC_OF}
"""The event a CloudEvents `type` names."""


def key_of(payload: Payload) -> str:
    """The record key: the payload's field that the topic is keyed by, as text; `DocumentRefused` has no document, its hash serves."""
    value: object = payload
    for name in TOPIC_OF[type(payload)].key.split("."):
        value = getattr(value, name, None)
    if value is None and isinstance(payload, events.DocumentRefused):
        value = payload.sha256
    if value is None and isinstance(payload, events.FactsDelivered):
        value = payload.delivery
    if value is None:
        raise ValueError(f"{type(payload).__name__} has no key {TOPIC_OF[type(payload)].key}")
    return str(value)
