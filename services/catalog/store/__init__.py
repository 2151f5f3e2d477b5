"""What catalog keeps: documents and measures as heard, benefits with where they stand, and every step of their history."""

from services.catalog.store.benefits import Benefits
from services.catalog.store.desk import Desk
from services.catalog.store.documents import Documents
from services.catalog.store.packages import Packages
from services.catalog.store.proposals import Proposals
from services.catalog.store.search import BadCursor, Filter, Search
from services.catalog.store.tables import Table

__all__ = ["BadCursor", "Filter", "Store", "Table"]


class Store(Documents, Benefits, Search, Desk, Proposals, Packages):
    """The queries of catalog, bound to one transaction."""
