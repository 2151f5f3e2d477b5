"""ingest: composition root. It hears no topic; what it says begins at its API."""

from services.chassis.app import create_app, serve
from services.chassis.work import Subscriptions
from services.ingest.api import router
from services.ingest.jobs import watch
from services.ingest.store import Store

SUBSCRIPTIONS: Subscriptions = {}

app = create_app("ingest", store=Store, subscriptions=SUBSCRIPTIONS, routers=[router], jobs=[watch], title="找企 · 采集 ingest")

if __name__ == "__main__":
    serve(app)
