"""Every event the services say: a frozen model named in the past tense, one fact that happened.

The envelope (id, source, time, subject, trace) is CloudEvents 1.0 and travels in Kafka headers; the body is the model alone.
Field meanings stand once, here; JSON Schema, AsyncAPI and the examples are generated from or checked against these models.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from contracts.rules import Benefit

Yuan = Annotated[
    Decimal,
    Field(ge=0),
    PlainSerializer(lambda value: f"{value:.2f}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]+\.[0-9]{2}$"}),
]
"""An amount of money in yuan (元); on the wire a string with two decimals."""

Exact = Annotated[Decimal, WithJsonSchema({"type": "number"})]
"""A number of a text; on the wire a JSON number with the digits it has."""

Span = tuple[int, int]
"""`[from, to)` in the raw text of the document version named beside it."""


class Payload(BaseModel):
    """A body. Unknown fields are ignored in production, so that producers may add optional ones; tests forbid them."""

    model_config = ConfigDict(frozen=True, extra="ignore")


# documents.v1, said by ingest -----------------------------------------------------------------------------------------


class DocumentFacts(Payload):
    """What an official document says of itself (公文要素, GB/T 9704)."""

    title: str
    doc_number: str | None = None  # 发文字号
    issuer: str | None = None  # 发文机关
    issue_date: date | None = None  # 成文日期
    printed_date: date | None = None  # 印发日期
    valid_from: date | None = None
    valid_to: date | None = None  # inclusive
    attachments: list[str] = []
    open_status: str | None = None  # 公开属性
    clauses: list[str] = []  # document-wide words (附则, 条件要求, definitions) that govern every measure


class DocumentRead(Payload):
    """A version of a document was read; `measures` MeasureRead events follow it under the same key."""

    document: str
    version: int
    sha256: str
    name: str  # the file's name as given
    facts: DocumentFacts
    measures: int
    status: Literal["read", "needs_ocr"] = "read"


class DocumentReplaced(Payload):
    """A newer version of a document took the place of an older one; measure ids stay."""

    document: str
    version: int
    replaces: int
    changed: list[str] = []  # measures whose words changed


class DocumentRepealed(Payload):
    """A document lost its force (废止)."""

    document: str
    repealed_on: date
    by: str | None = None  # the document that says so


class DocumentRefused(Payload):
    """Bytes that are no document were turned away at the door."""

    sha256: str
    name: str
    code: str  # a problem code of design §9
    reason: str


# measures.v1, said by ingest ------------------------------------------------------------------------------------------


class Figure(Payload):
    """A number the measure states, with the words it stands in."""

    value: Exact
    unit: str
    raw: str
    as_of: str | None = None
    role: str | None = None  # result, target or threshold
    span: Span | None = None


class MeasureRead(Payload):
    """One numbered point of a document (举措) was read."""

    document: str
    version: int
    measure: str
    position: int  # from 0, in the order of the document
    number: str
    title: str
    section: list[str] = []
    units: list[str] = []  # 责任单位, in order
    body: str
    span: Span | None = None
    runs: list[tuple[int, int, int, int]] = []  # body as pieces of the raw text: from and to in body, from and to in the raw text
    figures: list[Figure] = []
    audience: list[str] = []
    enterprise_benefit: bool | None = None
    benefit_type: str | None = None


# benefits.v1, said by catalog -----------------------------------------------------------------------------------------


class BenefitEvent(Payload):
    """What every event of a benefit carries: the whole benefit and its version."""

    benefit: Benefit
    version: int
    by: str | None = None  # the principal who decided


class BenefitPublished(BenefitEvent):
    """A reviewed benefit (惠企事项) is offered from now on."""


class BenefitAmended(BenefitEvent):
    """A published benefit changed; decided anew for every enterprise."""


class BenefitSuspended(BenefitEvent):
    """A benefit rests; no new matches."""

    reason: str | None = None


class BenefitResumed(BenefitEvent):
    """A suspended benefit is offered again."""


class BenefitWithdrawn(BenefitEvent):
    """A benefit was taken back."""

    reason: str | None = None


class BenefitExpired(BenefitEvent):
    """A benefit's validity ended."""


# facts.v1, said by ingest ---------------------------------------------------------------------------------------------


class FactsStated(Payload):
    """One authority stated facts of one enterprise, as true on one day.

    `facts` and `records` have the form of rules.md §5; a record table given replaces the authority's former table whole.
    """

    uscc: str
    authority: str
    true_on: date
    name: str | None = None
    facts: dict[str, Any] = {}
    records: dict[str, list[dict[str, Any]]] = {}
    delivery: str | None = None


class EnterpriseRenamed(Payload):
    """An enterprise keeps its identity under a new name or a new USCC (更名, 换码)."""

    uscc: str
    name: str
    former_name: str | None = None
    former_uscc: str | None = None
    renamed_on: date


class FactDisputed(Payload):
    """An enterprise says that a fact about it is wrong; its authority will answer."""

    uscc: str
    dispute: str
    fact: str
    authority: str
    claimed: Any = None
    reason: str | None = None


class FactsDelivered(Payload):
    """A bulk file of facts lies ready to be loaded."""

    delivery: str
    authority: str
    address: str
    sha256: str
    rows: int
    true_on: date


# sweeps.v1, said and heard by policy_match ----------------------------------------------------------------------------


class SweepDue(Payload):
    """One shard of the enterprises is to be decided against one benefit (or all, when `benefit` is null)."""

    partition: int
    benefit: str | None = None
    version: int | None = None
    as_of: date
    reason: Literal["published", "amended", "suspended", "resumed", "withdrawn", "expired", "day"]


# matches.v1, said by policy_match -------------------------------------------------------------------------------------


class MatchEvent(Payload):
    """What every event of a match carries. No sentences: words are made when they are read."""

    match: str
    uscc: str
    benefit: str
    version: int
    occasion: str  # "" for life, else the year, quarter, month or row id (stacking.once)
    as_of: date


class MatchFound(MatchEvent):
    """An enterprise was found eligible for a benefit (政策找到企业)."""

    low: Yuan | None = None  # null: the amount is 以审核为准
    high: Yuan | None = None  # null with low: no upper limit known
    deadline: date | None = None


class MatchChanged(MatchEvent):
    """A match stands, with another amount, deadline or version."""

    low: Yuan | None = None
    high: Yuan | None = None
    deadline: date | None = None


class MatchLost(MatchEvent):
    """An enterprise is no longer found eligible."""

    reason: Literal["facts", "benefit", "time"]


class AnswerWanted(Payload):
    """The enterprise's own answer could settle benefits; at most once a week."""

    uscc: str
    questions: list[str]  # facts wanted
    benefits: int
    up_to: Yuan | None = None
    as_of: date


# claims.v1, said by policy_match: one per state of design §7 ----------------------------------------------------------


class ClaimEvent(Payload):
    """A step of a match on its way to money, with who, when (the envelope's time) and why."""

    claim: str
    match: str
    uscc: str
    benefit: str
    occasion: str
    by: str
    why: str | None = None
    amount: Yuan | None = None


class ClaimOffered(ClaimEvent):
    """The benefit lies ready for the enterprise's answer until `answer_by`."""

    answer_by: date | None = None


class ClaimConfirmed(ClaimEvent):
    """The enterprise said yes (确认兑付)."""


class ClaimDeclined(ClaimEvent):
    """The enterprise said no."""


class ClaimReviewing(ClaimEvent):
    """A person reviews the claim (审核)."""


class ClaimPublicised(ClaimEvent):
    """The claim is shown to the public (公示) until `until`."""

    until: date | None = None


class ClaimObjected(ClaimEvent):
    """Somebody objected during 公示."""


class ClaimApproved(ClaimEvent):
    """The claim was approved."""


class ClaimRejected(ClaimEvent):
    """The claim was rejected."""


class ClaimPaying(ClaimEvent):
    """The treasury was asked to pay."""


class ClaimPaid(ClaimEvent):
    """The money arrived."""

    paid_on: date | None = None


class ClaimLapsed(ClaimEvent):
    """The window closed without an answer; every lapsed yuan is in a report."""


class ClaimRecovered(ClaimEvent):
    """Money was taken back (追回)."""


# answers.v1, said by notify -------------------------------------------------------------------------------------------


class MessageRead(Payload):
    """An enterprise opened a message."""

    uscc: str
    message: str
    benefit: str
    occasion: str


class BenefitConfirmed(Payload):
    """An enterprise said yes to a benefit."""

    uscc: str
    benefit: str
    occasion: str
    message: str | None = None


class BenefitDeclined(Payload):
    """An enterprise said no to a benefit."""

    uscc: str
    benefit: str
    occasion: str
    message: str | None = None
    reason: str | None = None


class FeedbackGiven(Payload):
    """An enterprise rated a message (好差评) or said that it is not for it."""

    uscc: str
    message: str
    benefit: str
    rating: Annotated[int, Field(ge=1, le=5)] | None = None
    not_for_me: bool = False
    given_at: datetime
