"""The HTTP edge of catalog: measures and benefits, their review, the lists, and the officer's page."""

from services.catalog.api import benefits, correcting, desk, lists, packages, proposals, review

ROUTERS = (benefits.router, review.router, proposals.router, lists.router, packages.router, desk.router, correcting.router)
