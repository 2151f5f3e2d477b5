"""What a model proposed for drafts: kept for people to see, taken over or turned down by an editor, never by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from contracts.rules import dumps, loads, parse_benefit
from services.catalog.domain import review
from services.catalog.domain.proposing import DROPPED, Answer, Proposal, with_proposal
from services.catalog.handlers import Kept, Officer, entry_of
from services.catalog.handlers import Store as Benefits
from services.catalog.handlers.commands import Stale
from services.chassis.work import Work


@dataclass(frozen=True)
class Asking:
    """A draft that waits for a model: its version, its words, and how often the model was asked about it."""

    benefit: str
    version: int
    document: str
    body: Mapping[str, Any]
    unread: Sequence[str]
    attempts: int


@dataclass(frozen=True)
class Proposed:
    """A proposal of a model for the draft of a benefit; `decision` is None until a person has decided."""

    id: str
    benefit: str
    version: int  # of the benefit it was made for
    author: str
    kind: Literal["condition", "amount"]
    quote: str
    node: dict[str, Any]
    made_at: datetime
    decision: Literal["accepted", "rejected"] | None = None
    decided_by: str | None = None
    decided_why: str | None = None
    decided_at: datetime | None = None


class Store(Benefits, Protocol):
    """What the handlers of proposals ask of the database."""

    async def add_proposals(self, proposed: Sequence[Proposed]) -> None:
        """Keep proposals."""

    async def take_proposal(self, benefit: str, proposal: str) -> Proposed | None:
        """A proposal for a benefit, locked until the transaction ends; None when there is none."""

    async def decide_proposal(self, proposed: Proposed) -> None:
        """Keep what a person decided."""

    async def answered(self, asking: Asking, outcome: str, dropped: Mapping[str, int]) -> None:
        """Note that a draft waits for a model no more, why, and what of the answer was thrown away."""


async def propose(asking: Asking, answer: Answer, work: Work[Store], *, author: str) -> None:
    """Keep what survived of a model's answer, and say so in the history; a draft that was changed meanwhile gets nothing."""
    kept = await work.store.take_benefit(asking.benefit)
    if kept is None or kept.version != asking.version or kept.standing.pending != "draft":
        await work.store.answered(asking, "stale", answer.dropped)
        return
    await work.store.answered(asking, "answered", answer.dropped)
    proposed = [Proposed(work.new_id(), kept.id, kept.version, author, one.kind, one.quote, one.node, work.now) for one in answer.proposals]
    await work.store.add_proposals(proposed)
    if proposed or answer.dropped:
        thrown = "；".join(f"{DROPPED[reason]} {number} 条" for reason, number in answer.dropped.items())
        words = f"提出建议 {len(proposed)} 条，待经办人员决定" + (f"；未采用：{thrown}" if thrown else "")
        await work.store.put_benefit(kept, entry_of(kept, kept, "note", Officer(author, frozenset()), words, work))


async def decide(
    benefit: str, proposal: str, decision: Literal["accepted", "rejected"], work: Work[Store], *, by: Officer, why: str, version: int | None
) -> Kept | None:
    """Take a proposal over into the draft, as an edit of the person who says so, or turn it down; None when there is none.

    Raises Refusal, Stale when `version` is not the newest, RuleError when the draft with it is not of the language.
    """
    kept = await work.store.take_benefit(benefit)
    proposed = await work.store.take_proposal(benefit, proposal) if kept else None
    if kept is None or proposed is None:
        return None
    if version is not None and version != kept.version:
        raise Stale(kept.version)
    if proposed.decision is not None:
        raise review.Refusal("conflict", f"这条建议已由 {proposed.decided_by} 处理")
    standing, _ = review.take(kept.standing, "edit", by=by.name, roles=by.roles)
    told = f"{'采纳' if decision == 'accepted' else '不采纳'} {proposed.author} 的建议（引“{proposed.quote}”）：{why}"
    await work.store.decide_proposal(replace(proposed, decision=decision, decided_by=by.name, decided_why=why, decided_at=work.now))
    if decision == "rejected":
        await work.store.put_benefit(kept, entry_of(kept, kept, "note", by, told, work))
        return kept
    given = with_proposal(loads(kept.body), Proposal(proposed.kind, proposed.quote, proposed.node))
    body = dumps(parse_benefit(given))
    after = replace(kept, standing=standing, version=kept.version + 1, body=body, changed_at=work.now)
    await work.store.put_benefit(after, entry_of(kept, after, "edit", by, told, work, body=body))
    return after
