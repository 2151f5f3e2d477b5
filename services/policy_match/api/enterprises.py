"""What is known of an enterprise (一企一档), what it is eligible for and why, and any decision on demand."""

import asyncio
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from contracts.events import Yuan
from contracts.registry import load_figures, load_registry
from contracts.rules import Decision, Finding, dumps
from contracts.uscc import uscc_problem
from services.chassis import clock
from services.chassis.app import allow, runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Problem
from services.policy_match.domain.matches import Offer
from services.policy_match.domain.population import Population
from services.policy_match.domain.profile import Origin, Profile
from services.policy_match.domain.values import TypeMismatch
from services.policy_match.domain.wording import explained
from services.policy_match.handlers import enterprise_of_profile
from services.policy_match.store import Standing, Store

router = APIRouter(prefix="/v1/enterprises/{uscc}", tags=["enterprises"])
Uscc = Annotated[str, Path(description="统一社会信用代码")]
FactsReader = Annotated[Principal, Depends(allow("facts:read"))]
MatchesReader = Annotated[Principal, Depends(allow("matches:read"))]


class Stated(BaseModel):
    """Who stated it, on which day it is true, and when it became known."""

    authority: str | None
    true_on: date | None
    known_on: datetime | None


class FactOnFile(Stated):
    """One value; `period` for facts by year, quarter or month."""

    fact: str
    name: str
    period: str | None
    value: Any


class RecordsOnFile(Stated):
    """One record table, whole."""

    kind: str
    name: str
    rows: list[dict[str, Any]]


class DisputeOnFile(BaseModel):
    """A fact the enterprise says is wrong."""

    id: str
    fact: str
    authority: str
    claimed: Any
    reason: str | None
    at: datetime


class EnterpriseFile(BaseModel):
    """一企一档."""

    uscc: str
    name: str
    facts: list[FactOnFile]
    records: list[RecordsOnFile]
    disputes: list[DisputeOnFile]


class PassedTest(BaseModel):
    """A condition that was met: what was found, what is wanted, who stated it, and the words of the clause behind it."""

    path: str
    sentence: str
    fact: str | None
    name: str | None
    found: Any
    wanted: str
    source: str | None
    known_at: datetime | None
    quote: str | None
    article: str | None


class Clause(BaseModel):
    """Where the benefit comes from."""

    policy: str | None
    article: str | None
    text: str | None
    document: str | None


class Offered(BaseModel):
    """A benefit as it is listed."""

    benefit: str
    version: int
    title: str | None
    kind: str | None
    mode: str | None
    department: str | None
    clause: Clause


class Matched(Offered):
    """An eligible pair with its reasons. Amounts in yuan; both null: 以审核为准; `high` null: no upper limit known."""

    match: str
    occasion: str
    since: datetime
    low: Yuan | None
    high: Yuan | None
    deadline: date | None
    answer: str | None = Field(description="read confirmed declined")
    reasons: list[PassedTest]


class Matches(BaseModel):
    """Everything an enterprise is eligible for, and the benefits that are for all."""

    items: list[Matched]
    general: list[Offered]
    next: None = None


def _own(principal: Principal, uscc: str) -> None:
    principal.must_own(uscc)
    if problem := uscc_problem(uscc):
        raise Problem("invalid-uscc", problem)


async def _profile(store: Store, uscc: str) -> Profile:
    found = (await store.profiles([uscc])).get(uscc)
    if found is None:
        raise Problem("not-found", "没有该企业的信息")
    return found


@router.get("")
async def enterprise(request: Request, uscc: Uscc, principal: FactsReader) -> EnterpriseFile:
    """The enterprise's own file: every fact and record, who stated it, true on which day, known since when."""
    _own(principal, uscc)
    async with runtime_of(request).read(principal) as store:
        profile = await _profile(store, uscc)
        disputes = await store.disputes(uscc)
    registry = load_registry()
    facts = []
    for fact, value in profile.facts.items():
        entry = registry.facts.get(fact)
        by_period: list[tuple[str | None, Any]] = list(value.items()) if isinstance(value, Mapping) else [(None, value)]
        facts += [
            FactOnFile(
                fact=fact,
                name=entry.name if entry else fact,
                period=period,
                value=item,
                **_stated(profile.stated.get(f"{fact}@{period}" if period else fact)),
            )
            for period, item in sorted(by_period, key=lambda pair: pair[0] or "")
        ]
    records = [
        RecordsOnFile(
            kind=kind, name=registry.kinds[kind].name if kind in registry.kinds else kind, rows=rows, **_stated(profile.stated.get(kind))
        )
        for kind, rows in profile.records.items()
    ]
    return EnterpriseFile(
        uscc=uscc,
        name=profile.name,
        facts=facts,
        records=records,
        disputes=[
            DisputeOnFile(id=d.id, fact=d.fact, authority=d.authority, claimed=d.claimed, reason=d.reason, at=d.at) for d in disputes
        ],
    )


def _stated(origin: Origin | None) -> dict[str, Any]:
    return {
        "authority": origin.authority if origin else None,
        "true_on": origin.true_on if origin else None,
        "known_on": origin.known_on if origin else None,
    }


@router.get("/matches")
async def matches(request: Request, uscc: Uscc, principal: MatchesReader) -> Matches:
    """What the enterprise is eligible for, each with its reasons, amount, deadline and clause; and what is offered to all."""
    _own(principal, uscc)
    runtime = runtime_of(request)
    as_of = clock.city_day(clock.now(), runtime.settings.timezone)
    async with runtime.read(principal) as store:
        profile = await _profile(store, uscc)
        standing = await store.standing(uscc)
        offers = {offer.benefit.id: offer for offer in await store.offers([one.match.key.benefit for one in standing])}
        general = await store.general()
        population = await store.population({ranked for offer in offers.values() for ranked in offer.ranks}, as_of)
    shown = [one for one in standing if one.match.key.benefit in offers]  # a withdrawn benefit's sweep may still be on its way
    items = await asyncio.to_thread(lambda: [_matched(one, offers[one.match.key.benefit], profile, as_of, population) for one in shown])
    return Matches(items=items, general=[Offered(**_offered(offer)) for offer in general])


def _offered(offer: Offer) -> dict[str, Any]:
    benefit = offer.benefit
    return {
        "benefit": benefit.id,
        "version": offer.version,
        "title": benefit.title,
        "kind": benefit.kind,
        "mode": benefit.mode,
        "department": benefit.department,
        "clause": Clause(
            policy=benefit.policy,
            article=benefit.article,
            text=benefit.text,
            document=benefit.source.document if benefit.source else None,
        ),
    }


def _matched(standing: Standing, offer: Offer, profile: Profile, as_of: date, population: Population) -> Matched:
    match = standing.match
    decided = _decision(offer, profile, as_of, population)
    told = decided.in_words.reasons if decided.in_words else ()
    sentences = {reason.path: reason.sentence for reason in told if reason.outcome == "true"}
    return Matched(
        **_offered(offer),
        match=match.key.id,
        occasion=match.key.occasion,
        since=standing.since,
        low=match.low,
        high=match.high,
        deadline=match.deadline,
        answer=standing.answer,
        reasons=[_passed(test, sentences[test.path]) for test in decided.tests if test.path in sentences],
    )


def _passed(test: Finding, sentence: str) -> PassedTest:
    fact = test.fact.partition("@")[0] if test.fact else None
    registry = load_registry()
    entry = (registry.facts.get(fact) or registry.kinds.get(fact)) if fact else None
    return PassedTest(
        path=test.path,
        sentence=sentence,
        fact=test.fact,
        name=entry.name if entry else None,
        found=test.found,
        wanted=test.wanted,
        source=test.source,
        known_at=test.known_at,
        quote=test.quote,
        article=test.article,
    )


def _decision(offer: Offer, profile: Profile, as_of: date, population: Population, standing: str | None = None) -> Decision:
    return explained(
        offer.benefit,
        enterprise_of_profile(profile),
        as_of=as_of,
        registry=load_registry(),
        figures=load_figures(),
        population=population,
        rule_version=offer.version,
        facts_as_known_at=profile.known_on,
        stated=profile.stated,
        standing=standing,
    )


@router.get("/decisions/{benefit}", responses={200: {"model": Decision}})
async def decision(request: Request, uscc: Uscc, benefit: str, principal: MatchesReader, as_of: date | None = None) -> Response:
    """The decision for any benefit, matched or not, on offer or no longer (rule language, 4): every test, what is missing, how near a
    miss is, and all of it in sentences (`in_words`)."""
    _own(principal, uscc)
    runtime = runtime_of(request)
    day = as_of or clock.city_day(clock.now(), runtime.settings.timezone)
    async with runtime.read(principal) as store:
        profile = await _profile(store, uscc)
        offer, standing = await store.benefit(benefit), await store.benefit_status(benefit)
        population = await store.population(offer.ranks if offer else (), day)
    if offer is None:
        raise Problem("not-found", "没有这个惠企事项，或者它还没有发布")
    try:
        decided = await asyncio.to_thread(_decision, offer, profile, day, population, standing)
    except TypeMismatch as error:
        raise Problem("rejected-rule", f"该事项的规则无法对该企业计算：{error}") from error
    return Response(dumps(decided), media_type="application/json")
