"""What notify keeps: messages with what they cite, and the webhooks that hear of them."""

from services.chassis.database import Connection
from services.notify.store.cited import Cited
from services.notify.store.messages import Messages
from services.notify.store.tables import AnswerRow, Table
from services.notify.store.webhooks import Webhooks

__all__ = ["AnswerRow", "Store", "Table"]


class Store(Messages, Cited, Webhooks):
    """The queries, bound to one connection's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
