"""notify's composition root: what it hears, what it answers, what it does by itself."""

from fastapi import FastAPI

from contracts.events import (
    AnswerWanted,
    BenefitAmended,
    BenefitExpired,
    BenefitPublished,
    BenefitResumed,
    BenefitSuspended,
    BenefitWithdrawn,
    DocumentRead,
    DocumentRepealed,
    MatchChanged,
    MatchFound,
    MatchLost,
)
from contracts.topics import TOPICS
from services.chassis.app import create_app, serve
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry
from services.chassis.work import Subscriptions
from services.notify import jobs
from services.notify.api import inbox, ledger, webhooks
from services.notify.channels.stream import Hub
from services.notify.handlers import (
    on_answers_wanted,
    on_benefits,
    on_claims,
    on_documents_read,
    on_documents_repealed,
    on_matches,
    on_matches_lost,
)
from services.notify.store import Store

SUBSCRIPTIONS: Subscriptions = {
    DocumentRead: on_documents_read,
    DocumentRepealed: on_documents_repealed,
    BenefitPublished: on_benefits,
    BenefitAmended: on_benefits,
    BenefitSuspended: on_benefits,
    BenefitResumed: on_benefits,
    BenefitWithdrawn: on_benefits,
    BenefitExpired: on_benefits,
    MatchFound: on_matches,
    MatchChanged: on_matches,
    MatchLost: on_matches_lost,
    AnswerWanted: on_answers_wanted,
    **dict.fromkeys(TOPICS["claims.v1"].events, on_claims),
}


def build(*, settings: Settings | None = None, telemetry: Telemetry | None = None) -> FastAPI:
    """The app; nothing is opened before it starts."""
    hub = Hub()
    app = create_app(
        "notify",
        store=Store,
        subscriptions=SUBSCRIPTIONS,
        routers=[inbox.router, webhooks.router, ledger.router],
        jobs=[jobs.streaming(hub), jobs.deliver],
        settings=settings,
        telemetry=telemetry,
        title="找企 notify：收件箱、消息流、推送与台账",
    )
    app.state.hub = hub
    return app


app = build()

if __name__ == "__main__":
    serve(app)
