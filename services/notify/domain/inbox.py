"""The inbox's values: a document as it is cited, and a message as it is kept and read."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from contracts.rules import Benefit


@dataclass(frozen=True)
class Document:
    """A document as messages cite it."""

    id: str
    version: int
    title: str
    doc_number: str | None
    issuer: str | None


@dataclass(frozen=True)
class Message:
    """A message of a match, with the benefit it speaks of and the document that benefit comes from; or, where there are `questions`, of
    what the enterprise is asked. `seq` grows with every change.

    `low` and `high` are yuan, both None where the amount is 以审核为准.
    """

    id: str
    uscc: str
    benefit: str
    occasion: str
    version: int
    low: Decimal | None
    high: Decimal | None
    deadline: date | None
    as_of: date
    status: str  # new, read, confirmed, declined, withdrawn
    withdrawn_because: str | None
    seq: int
    traceparent: str | None
    created_at: datetime
    updated_at: datetime
    about: Benefit | None
    standing: str | None  # of the benefit: published, suspended, withdrawn, expired
    document: Document | None
    repealed_on: date | None
    questions: list[str] | None = None  # facts, of a message that asks; `high` is what hangs on the answers
    benefits: int | None = None  # how many benefits hang on the answers
