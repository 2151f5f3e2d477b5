"""catalog: composition root, and which handler hears which event."""

from collections.abc import Sequence
from functools import cache, partial

from contracts.events import DocumentRead, DocumentRepealed, DocumentReplaced, MeasureRead
from contracts.registry import load_registry
from services.catalog.api import ROUTERS
from services.catalog.domain.drafts import Clause, Document, Draft, drafts
from services.catalog.handlers import documents
from services.catalog.jobs import expire, propose
from services.catalog.store import Store
from services.chassis.app import create_app, serve
from services.chassis.settings import Settings
from services.chassis.work import Subscriptions

_settings = cache(Settings)


def draft(clauses: Sequence[Clause], document: Document) -> list[Draft]:
    """The extraction, with this deployment's registry and city."""
    return drafts(clauses, document, registry=load_registry(), city=_settings().city)


SUBSCRIPTIONS: Subscriptions = {
    DocumentRead: partial(documents.on_documents_read, drafting=draft),
    MeasureRead: partial(documents.on_measures_read, drafting=draft),
    DocumentReplaced: partial(documents.on_documents_replaced, drafting=draft),
    DocumentRepealed: documents.on_documents_repealed,
}

app = create_app(
    "catalog",
    store=Store,
    subscriptions=SUBSCRIPTIONS,
    routers=ROUTERS,
    jobs=[expire, propose],
    title="找企 · 目录 catalog",
)

if __name__ == "__main__":
    serve(app)
