"""policy_match's composition root: what it hears, what it answers, what it does by itself."""

from fastapi import FastAPI

from contracts.events import (
    BenefitAmended,
    BenefitConfirmed,
    BenefitDeclined,
    BenefitExpired,
    BenefitPublished,
    BenefitResumed,
    BenefitSuspended,
    BenefitWithdrawn,
    EnterpriseRenamed,
    FactDisputed,
    FactsDelivered,
    FactsStated,
    FeedbackGiven,
    MessageRead,
    SweepDue,
)
from services.chassis.app import create_app, serve
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry
from services.chassis.work import Subscriptions
from services.policy_match import jobs
from services.policy_match.api import enterprises, gaps, loads, simulations
from services.policy_match.handlers.answers import on_answers
from services.policy_match.handlers.deliveries import on_delivered
from services.policy_match.handlers.facts import on_disputes, on_facts, on_renamed
from services.policy_match.handlers.sweeps import on_benefits, on_sweeps
from services.policy_match.store import Store

SUBSCRIPTIONS: Subscriptions = {
    BenefitPublished: on_benefits,
    BenefitAmended: on_benefits,
    BenefitSuspended: on_benefits,
    BenefitResumed: on_benefits,
    BenefitWithdrawn: on_benefits,
    BenefitExpired: on_benefits,
    FactsStated: on_facts,
    FactsDelivered: on_delivered,
    EnterpriseRenamed: on_renamed,
    FactDisputed: on_disputes,
    SweepDue: on_sweeps,
    MessageRead: on_answers,
    BenefitConfirmed: on_answers,
    BenefitDeclined: on_answers,
    FeedbackGiven: on_answers,
}


def build(*, settings: Settings | None = None, telemetry: Telemetry | None = None) -> FastAPI:
    """The app; nothing is opened before it starts."""
    return create_app(
        "policy_match",
        store=Store,
        subscriptions=SUBSCRIPTIONS,
        routers=[enterprises.router, simulations.router, loads.router, gaps.router],
        jobs=[jobs.day, jobs.load],
        settings=settings,
        telemetry=telemetry,
        title="找企 policy_match：匹配、决定与试算",
    )


app = build()

if __name__ == "__main__":
    serve(app)
