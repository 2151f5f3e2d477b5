"""The HTTP edge of catalog: measures and benefits, their review, the lists, and the officer's page."""

from services.catalog.api import benefits, correcting, desk, lists, review

ROUTERS = (benefits.router, review.router, lists.router, desk.router, correcting.router)
