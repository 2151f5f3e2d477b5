"""What keeps a benefit from being published, and what an officer should know before deciding."""

from dataclasses import dataclass, replace

from contracts.registry import load_registry
from contracts.rules import Benefit, RuleError, facts_of, loads, parse_benefit
from services.catalog.domain.fairness import unfair
from services.catalog.domain.lint import lint
from services.catalog.domain.readiness import Readiness, readiness
from services.catalog.handlers import Checks, Finding, Kept, Simulation, Store


@dataclass(frozen=True)
class Looked:
    """What can be said of a benefit's newest version without the matcher; `benefit` is None while it is not of the language."""

    findings: tuple[Finding, ...]
    doubts: tuple[Finding, ...] = ()
    benefit: Benefit | None = None
    readiness: Readiness | None = None


async def look(kept: Kept, store: Store) -> Looked:
    """Whether a benefit is of the language, whether its words are in force, and what the lints doubt."""
    own, benefit = read_rule(kept)
    force = await store.force_of(kept.document, kept.measure, benefit.source.version if benefit and benefit.source else None)
    if force.repealed_on:
        own.append(Finding("source", "error", f"来源文件已于 {force.repealed_on} 废止", "请撤回这一事项，或改据新文件"))
    if force.left_out_in:
        own.append(Finding("source", "warning", f"来源文件第 {force.left_out_in} 版已没有这条举措", "请核对是否撤回"))
    elif force.changed_in:
        own.append(Finding("source", "warning", f"来源文件第 {force.changed_in} 版改动了这条举措", "请核对条文是否变化"))
    if benefit is None:
        return Looked(tuple(own))
    registry = load_registry()
    beside = [other for one in await store.beside(kept.document, kept.id) if (other := read_rule(one)[1]) is not None]
    doubts = lint(benefit, registry=registry, others=beside)
    found = [Finding(doubt.at, "warning", doubt.problem, doubt.hint) for doubt in (*doubts, *unfair(benefit))]
    return Looked(tuple(own), tuple(found), benefit, readiness(benefit, doubts, kept.unread))


async def check(looked: Looked, simulation: Simulation, *, reach: bool) -> Checks:
    """What keeps a benefit's newest version from being published, and what an officer should know. Raises Unavailable."""
    if looked.benefit is None:
        return unchecked(looked)
    told = await simulation(looked.benefit, reach=reach)
    own = looked.findings
    if all(finding.severity != "error" for finding in told.findings):  # else it has said the same, and where
        own += tuple(unregistered(looked.benefit))
    return replace(told, findings=(*own, *told.findings, *looked.doubts), readiness=looked.readiness)


def unchecked(looked: Looked) -> Checks:
    """What is known while the matcher has not spoken."""
    return Checks((*looked.findings, *looked.doubts), readiness=looked.readiness)


def read_rule(kept: Kept) -> tuple[list[Finding], Benefit | None]:
    """A benefit's newest version, or what keeps it from being of the language."""
    try:
        return [], parse_benefit(loads(kept.body))
    except RuleError as error:
        return [Finding(problem.at, "error", problem.problem, problem.hint) for problem in error.problems], None


def unregistered(benefit: Benefit) -> list[Finding]:
    """Facts and record kinds that the registry does not have."""
    registry = load_registry()
    unknown = sorted(facts_of(benefit) - registry.facts.keys() - registry.kinds.keys())
    hint = "请改用登记表中的事实，或写作 open.名称 先行标明"
    return [Finding("rule", "error", f"登记表中没有“{fact}”", hint) for fact in unknown]
