"""What enterprises answer to messages is kept."""

from collections.abc import Mapping, Sequence

from contracts.events import BenefitConfirmed, BenefitDeclined, FeedbackGiven, MessageRead, Payload
from services.chassis.work import Event, Refused, Work
from services.policy_match.handlers import Answer, Matching

AnswerEvent = MessageRead | BenefitConfirmed | BenefitDeclined | FeedbackGiven
ANSWERS: Mapping[type[Payload], str] = {
    MessageRead: "read",
    BenefitConfirmed: "confirmed",
    BenefitDeclined: "declined",
    FeedbackGiven: "feedback",
}


async def on_answers(events: Sequence[Event[AnswerEvent]], work: Work[Matching]) -> list[Refused]:
    """Keep what enterprises answered."""
    await work.store.lock_shards({event.partition for event in events})
    await work.store.add_answers([_answer(event) for event in events])
    return []


def _answer(event: Event[AnswerEvent]) -> Answer:
    said = event.payload
    feedback = said if isinstance(said, FeedbackGiven) else None
    return Answer(
        id=f"{event.source}/{event.id}",
        uscc=said.uscc,
        benefit=said.benefit,
        occasion=None if isinstance(said, FeedbackGiven) else said.occasion,
        message=said.message,
        kind=ANSWERS[type(said)],
        reason=said.reason if isinstance(said, BenefitDeclined) else None,
        rating=feedback.rating if feedback else None,
        not_for_me=feedback.not_for_me if feedback else False,
        at=feedback.given_at if feedback else event.time,
    )
