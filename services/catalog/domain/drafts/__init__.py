"""From clauses to drafts of computable benefits: the rule, the amount and the terms, each with the words it comes from.

`drafts` reads the clauses of one document that ingest has divided. A draft is a proposal to an officer: what could not be read is said
in `unread`, what was taken for granted in `findings`. Evidence or nothing: every quote occurs in the clause, in its heading, among its
units or in a document-wide clause.
"""

from services.catalog.domain.drafts.clauses import Clause, Document, Draft
from services.catalog.domain.drafts.document import drafts

__all__ = ["Clause", "Document", "Draft", "drafts"]
