"""Review (审核): which step takes a benefit from where to where, which role may take it, and what the city then says of it.

A benefit has two sides: what is on offer (nothing, published, suspended, expired, withdrawn) and what is pending (nothing, draft,
in_review, approved). A new benefit is only pending; an amendment is pending while the version before it stays on offer.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

Offer = Literal["published", "suspended", "expired", "withdrawn"]
Pending = Literal["draft", "in_review", "approved"]
Status = Literal["draft", "in_review", "approved", "published", "amended", "suspended", "expired", "withdrawn"]
Action = Literal["edit", "submit", "send-back", "approve", "publish", "amend", "suspend", "resume", "withdraw", "expire"]

ROLES = {"editor": "经办", "reviewer": "审核", "publisher": "发布"}
"""Roles of an officer and what they are called."""
WORDS: dict[str, str] = {
    "draft": "草稿", "in_review": "审核中", "approved": "已通过", "published": "已发布", "amended": "已修订",
    "suspended": "已暂停", "expired": "已到期", "withdrawn": "已撤回",
    "edit": "修改", "submit": "提交审核", "send-back": "退回", "approve": "通过", "publish": "发布", "amend": "开始修订",
    "suspend": "暂停", "resume": "恢复", "withdraw": "撤回", "expire": "到期", "note": "提示", "import": "导入",
}  # fmt: skip


@dataclass(frozen=True)
class Standing:
    """Where a benefit stands. `authors`: who edited or submitted what is pending. `amended`: what is on offer is not its first version."""

    offer: Offer | None = None
    pending: Pending | None = "draft"
    amended: bool = False
    authors: frozenset[str] = frozenset()

    @property
    def status(self) -> Status:
        """The one word for it: what is on offer, else what is pending."""
        if self.offer == "published" and self.amended:
            return "amended"
        if self.offer is not None:
            return self.offer
        if self.pending is None:
            raise ValueError("a benefit is on offer or pending, or both")
        return self.pending


@dataclass(frozen=True)
class Step:
    """A row of the table. `pending` and `offers`: where the step may begin (None among them: nothing there)."""

    action: Action
    pending: tuple[Pending | None, ...]
    offers: tuple[Offer | None, ...]
    role: str | None  # None: the clock
    to_pending: Pending | Literal["same"] | None
    to_offer: Offer | Literal["same"]
    event: str | None = None  # said if the benefit was on offer


_ANY: tuple[Offer | None, ...] = (None, "published", "suspended", "expired")
_ALL: tuple[Pending | None, ...] = (None, "draft", "in_review", "approved")
TABLE: tuple[Step, ...] = (
    Step("edit", ("draft",), _ANY, "editor", "same", "same"),
    Step("submit", ("draft",), _ANY, "editor", "in_review", "same"),
    Step("send-back", ("in_review", "approved"), _ANY, "reviewer", "draft", "same"),
    Step("approve", ("in_review",), _ANY, "reviewer", "approved", "same"),
    Step("publish", ("approved",), _ANY, "publisher", None, "published", "BenefitAmended"),
    Step("amend", (None,), ("published", "suspended", "expired"), "editor", "draft", "same"),
    Step("suspend", _ALL, ("published",), "publisher", "same", "suspended", "BenefitSuspended"),
    Step("resume", _ALL, ("suspended",), "publisher", "same", "published", "BenefitResumed"),
    Step("withdraw", _ALL, _ANY, "publisher", None, "withdrawn", "BenefitWithdrawn"),
    Step("expire", _ALL, ("published", "suspended"), None, "same", "expired", "BenefitExpired"),
)
"""Every step there is. The first publication says BenefitPublished; what was never on offer is withdrawn without a word."""
STEPS: dict[str, Step] = {step.action: step for step in TABLE}


class Refusal(Exception):
    """A step that may not be taken: `code` is a problem code of design §9, the reason is Chinese and says what to do."""

    def __init__(self, code: Literal["not-allowed", "conflict"], reason: str) -> None:
        super().__init__(reason)
        self.code: str = code
        self.reason = reason


def take(standing: Standing, action: Action, *, by: str, roles: Collection[str]) -> tuple[Standing, str | None]:
    """Take a step: where the benefit then stands, and the event to say, if any. Raises Refusal.

    Nobody approves what they edited or submitted themselves.
    """
    step = STEPS[action]
    if step.role is not None and step.role not in roles:
        raise Refusal("not-allowed", f"{WORDS[action]}须由“{ROLES[step.role]}”（{step.role}）角色的人员操作")
    if standing.offer not in step.offers or standing.pending not in step.pending:
        raise Refusal("conflict", f"当前为“{_stands(standing)}”，不能{WORDS[action]}{_instead(standing, action)}")
    if action == "approve" and by in standing.authors:
        raise Refusal("not-allowed", "不能审核自己修改或提交的事项；请由另一位审核人员处理")
    event = step.event if standing.offer is not None else ("BenefitPublished" if action == "publish" else None)
    after = replace(
        standing,
        offer=standing.offer if step.to_offer == "same" else step.to_offer,
        pending=standing.pending if step.to_pending == "same" else step.to_pending,
    )
    if action in ("edit", "submit"):
        after = replace(after, authors=standing.authors | {by})
    elif action in ("publish", "amend", "withdraw"):
        after = replace(after, authors=frozenset(), amended=standing.amended or (action == "publish" and standing.offer is not None))
    return after, event


def _stands(standing: Standing) -> str:
    words = WORDS[standing.status]
    return f"{words}，修订稿{WORDS[standing.pending]}" if standing.offer is not None and standing.pending is not None else words


def _instead(standing: Standing, action: Action) -> str:
    if standing.offer == "withdrawn":
        return "；撤回的事项不再变动，请另立新事项"
    if action == "edit" and standing.pending is not None:
        return "；请先退回为草稿"
    if action in ("edit", "submit") and standing.pending is None:
        return "；请先开始修订"
    if action == "publish":
        return "；须先提交并通过审核"
    return ""
