"""The trial run of a draft: what its check finds, whether its cases hold, and whom it would reach, before anyone signs."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from contracts.events import Yuan
from contracts.registry import load_figures, load_registry
from contracts.rules import Benefit, RuleError, loads, parse_benefit
from services.chassis import clock
from services.chassis.app import allow, runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Fault, Problem
from services.policy_match.domain.check import Report, check
from services.policy_match.domain.matches import City, Counts, Offer, added, eligible, ranked
from services.policy_match.domain.wording import amount_lines, rule_lines

router = APIRouter(prefix="/v1/simulations", tags=["simulations"])
Reader = Annotated[Principal, Depends(allow("matches:read"))]


class Found(BaseModel):
    """One finding of the check: where, what is wrong, what to do."""

    severity: Literal["error", "warning"]
    code: str
    at: str
    problem: str
    hint: str


class CaseResult(BaseModel):
    """One case that travels with the rule."""

    name: str
    passed: bool
    why: str | None


class Sum(BaseModel):
    """Yuan, over the eligible; `high` null: no upper limit known."""

    low: Yuan
    high: Yuan | None


class Reach(BaseModel):
    """How many enterprises, and how much money."""

    eligible: int
    ineligible: int
    undetermined: int
    faulty: int = Field(description="其中规则无法计算的")
    amount: Sum


class WordedLine(BaseModel):
    """A line of the rule or the amount in Chinese."""

    path: str = Field(description="节点在事项中的路径，如 rule/all/0")
    depth: int
    words: str
    quote: str | None
    article: str | None


class Simulation(BaseModel):
    """What would happen. `reach` is null while the rule has errors that keep it from being computed."""

    findings: list[Found]
    cases: list[CaseResult]
    open_facts: list[str] = Field(description="登记册中还没有的事实")
    rule: list[WordedLine] = Field(description="规则的中文表述，逐行")
    amount: list[WordedLine] = Field(description="金额的中文表述")
    reach: Reach | None


class LastRun(Reach):
    """The counts of the last sweep."""

    benefit: str
    version: int
    as_of: date
    at: datetime


def _reach(counts: Counts) -> Reach:
    return Reach(
        eligible=counts.eligible,
        ineligible=counts.ineligible,
        undetermined=counts.undetermined,
        faulty=counts.faulty,
        amount=Sum(low=counts.low, high=counts.high),
    )


def _simulated(benefit: Benefit, city: Sequence[City] | None, as_of: date) -> Simulation:
    registry, figures = load_registry(), load_figures()
    report = check(benefit, registry=registry, figures=figures)
    broken = any(finding.code != "case-fails" for finding in report.errors)
    reach = None
    if not broken and city is not None:
        standings = ranked([benefit], city, as_of=as_of, registry=registry, figures=figures)
        found = (
            eligible([Offer(benefit, 0)], shard, as_of=as_of, registry=registry, figures=figures, population=standings) for shard in city
        )
        reach = _reach(added(counts[benefit.id] for _, counts in found))
    return Simulation(
        findings=[
            Found(severity=severity, code=finding.code, at=finding.at, problem=finding.problem, hint=finding.hint)
            for severity, findings in (("error", report.errors), ("warning", report.warnings))
            for finding in findings
        ],
        cases=_cases(benefit, report, broken=broken),
        open_facts=list(report.open_facts),
        rule=[WordedLine(**line._asdict()) for line in rule_lines(benefit.rule, registry)],
        amount=[WordedLine(**line._asdict()) for line in amount_lines(benefit.amount, registry)],
        reach=reach,
    )


def _cases(benefit: Benefit, report: Report, *, broken: bool) -> list[CaseResult]:
    failed = {finding.at: finding.problem for finding in report.errors if finding.code == "case-fails"}
    results = []
    for position, case in enumerate(benefit.cases or ()):
        why = "规则有错误，用例未运行" if broken else failed.get(f"cases/{position}")
        results.append(CaseResult(name=case.name, passed=why is None, why=why))
    return results


@router.post("", openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}})
async def simulate(
    request: Request, principal: Reader, reach: Annotated[bool, Query(description="是否对全市企业试算")] = True
) -> Simulation:
    """Check a draft {"benefit": {…}}, run its cases, and, with `reach`, decide it for every enterprise. Nothing is kept or said."""
    benefit = _draft(await request.body())
    runtime = runtime_of(request)
    async with runtime.read(principal) as store:
        city = [await store.city(shard) for shard in await store.shards()] if reach else None
    as_of = clock.city_day(clock.now(), runtime.settings.timezone)
    return await asyncio.to_thread(_simulated, benefit, city, as_of)


def _draft(body: bytes) -> Benefit:
    """The benefit of a request, its numbers exact. Raises Problem."""
    try:
        given: Any = loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem("invalid-request", "请求内容不是合法的 JSON") from error
    if not isinstance(given, dict) or "benefit" not in given:
        raise Problem("invalid-request", '请求内容应为 {"benefit": {…}}')
    try:
        return parse_benefit(given["benefit"])
    except RuleError as error:
        faults = [Fault(f"benefit/{p.at}" if p.at else "benefit", p.problem, p.hint) for p in error.problems]
        raise Problem("rejected-rule", "事项不符合规则语言，详见 errors", errors=faults) from error


@router.get("/{benefit}")
async def last_run(request: Request, benefit: str, principal: Reader) -> LastRun:
    """How a published benefit came out in its last sweep: the three counts and the sum."""
    if principal.kind == "enterprise":
        raise Problem("not-found", "没有该事项的统计")
    async with runtime_of(request).read(principal) as store:
        run = await store.last_run(benefit)
    if run is None:
        raise Problem("not-found", "该事项还没有计算过，或不按事实匹配")
    counts = Counts(run["eligible"], run["ineligible"], run["undetermined"], run["faulty"], run["low"], run["high"])
    return LastRun(**_reach(counts).model_dump(), benefit=benefit, version=run["version"], as_of=run["as_of"], at=run["at"])
