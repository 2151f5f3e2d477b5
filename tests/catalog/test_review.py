"""The review of a benefit: every step for every role, each refusal beside one that succeeds."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain.review import ROLES, STEPS, TABLE, Action, Offer, Pending, Refusal, Standing, take

EVERYONE = frozenset(ROLES)
OFFERS: tuple[Offer | None, ...] = (None, *get_args(Offer))
PENDING: tuple[Pending | None, ...] = (None, *get_args(Pending))
STANDINGS = [Standing(offer, pending) for offer in OFFERS for pending in PENDING if offer or pending]
ACTIONS: tuple[Action, ...] = get_args(Action)


def walk(*steps: tuple[Action, str], standing: Standing | None = None) -> tuple[Standing, list[str | None]]:
    said = []
    here = standing or Standing()
    for action, by in steps:
        here, event = take(here, action, by=by, roles=EVERYONE)
        said.append(event)
    return here, said


PUBLISHED, _ = walk(("submit", "甲"), ("approve", "乙"), ("publish", "丙"))


def test_a_draft_is_published_by_three_roles_and_said_once() -> None:
    standing, said = walk(("edit", "甲"), ("submit", "甲"), ("approve", "乙"), ("publish", "丙"))
    assert standing.status == "published"
    assert said == [None, None, None, "BenefitPublished"]


def test_nobody_approves_what_they_edited_or_submitted_and_another_may() -> None:
    for steps in ((("edit", "乙"), ("submit", "甲")), (("submit", "乙"),)):
        standing, _ = walk(*steps)  # type: ignore[arg-type]
        with pytest.raises(Refusal, match="自己") as refusal:
            take(standing, "approve", by="乙", roles=EVERYONE)
        assert refusal.value.code == "not-allowed"
        assert take(standing, "approve", by="丙", roles={"reviewer"})[0].status == "approved"


def test_an_author_stays_an_author_when_the_draft_is_sent_back() -> None:
    standing, _ = walk(("edit", "乙"), ("submit", "甲"), ("send-back", "丙"), ("submit", "甲"))
    with pytest.raises(Refusal, match="自己"):
        take(standing, "approve", by="乙", roles=EVERYONE)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("standing", STANDINGS, ids=lambda s: f"{s.offer}-{s.pending}")
@pytest.mark.parametrize("action", ACTIONS)
def test_every_step_is_taken_exactly_where_and_by_whom_the_table_says(action: Action, standing: Standing, role: str) -> None:
    step = STEPS[action]
    allowed = step.role in (None, role) and standing.offer in step.offers and standing.pending in step.pending
    if allowed:
        after, _ = take(standing, action, by="甲", roles={role})
        assert after.offer or after.pending
    else:
        with pytest.raises(Refusal) as refusal:
            take(standing, action, by="甲", roles={role})
        assert refusal.value.reason
        if step.role not in (None, role):
            assert refusal.value.code == "not-allowed"


def test_the_table_names_every_action_once() -> None:
    assert sorted(step.action for step in TABLE) == sorted(ACTIONS)


def test_an_amendment_is_reviewed_while_the_version_before_stays_on_offer() -> None:
    pending, said = walk(("amend", "甲"), ("edit", "甲"), ("submit", "甲"), ("approve", "乙"), standing=PUBLISHED)
    assert pending.status == "published"
    assert said == [None] * 4
    after, event = take(pending, "publish", by="丙", roles={"publisher"})
    assert (after.status, event) == ("amended", "BenefitAmended")


def test_the_author_of_an_amendment_does_not_approve_it() -> None:
    pending, _ = walk(("amend", "甲"), ("submit", "甲"), standing=PUBLISHED)
    with pytest.raises(Refusal, match="自己"):
        take(pending, "approve", by="甲", roles=EVERYONE)


def test_what_rests_is_offered_again_as_it_was() -> None:
    amended, _ = walk(("amend", "甲"), ("submit", "甲"), ("approve", "乙"), ("publish", "丙"), standing=PUBLISHED)
    for before in (PUBLISHED, amended):
        suspended, said = walk(("suspend", "丙"), standing=before)
        assert (suspended.status, said) == ("suspended", ["BenefitSuspended"])
        assert walk(("resume", "丙"), standing=suspended) == (before, ["BenefitResumed"])


def test_what_was_never_on_offer_is_withdrawn_without_a_word_and_what_was_is_said() -> None:
    assert walk(("withdraw", "丙")) == (Standing("withdrawn", None), [None])
    assert walk(("withdraw", "丙"), standing=PUBLISHED)[1] == ["BenefitWithdrawn"]


def test_time_needs_no_role_and_people_cannot_play_it() -> None:
    after, event = take(PUBLISHED, "expire", by="service:catalog", roles=())
    assert (after.status, event) == ("expired", "BenefitExpired")
    again, said = walk(("amend", "甲"), ("submit", "甲"), ("approve", "乙"), ("publish", "丙"), standing=after)
    assert (again.status, said[-1]) == ("amended", "BenefitAmended")


@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from("甲乙丙")), max_size=30))
def test_whatever_is_tried_nothing_is_on_offer_that_another_did_not_approve(tries: list[tuple[Action, str]]) -> None:
    here, authors, approver = Standing(), set[str](), ""
    for action, by in tries:
        try:
            here, event = take(here, action, by=by, roles=EVERYONE)
        except Refusal:
            continue
        if action in ("edit", "submit"):
            authors.add(by)
        elif action == "approve":
            approver = by
        elif action == "amend":
            authors.clear()
        if action == "publish":
            assert approver not in authors
            assert event in ("BenefitPublished", "BenefitAmended")
        if here.offer == "withdrawn":
            assert here.pending is None
