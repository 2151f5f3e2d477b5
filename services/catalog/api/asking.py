"""What every door of catalog asks first: who calls, what they may see, and how a refusal is said."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from contracts.rules import RuleError
from services.catalog.domain.review import Refusal
from services.catalog.handlers import Kept, Officer, Unavailable, Unclean, known_departments
from services.catalog.handlers.commands import Stale
from services.catalog.sources import PolicyMatch, working_rules
from services.chassis.app import Reply, allow, command, runtime_of
from services.chassis.auth import Principal
from services.chassis.outbox import TooLarge
from services.chassis.problems import Fault, Problem

Limit = Annotated[int, Query(ge=1, le=1000)]
Reader = Annotated[Principal, Depends(allow("benefits:read"))]


@contextmanager
def refusals() -> Iterator[None]:
    """What a change refuses becomes a problem."""
    try:
        yield
    except Refusal as refusal:
        raise Problem(refusal.code, refusal.reason) from refusal
    except Stale as stale:
        raise Problem("stale-version", f"事项已是第 {stale.version} 版；请重新读取后再改") from stale
    except RuleError as error:
        faults = [Fault(problem.at, problem.problem, problem.hint) for problem in error.problems]
        raise Problem("rejected-rule", "事项不符合规则语言，详见 errors", errors=faults) from error
    except Unclean as unclean:
        errors = [Fault(f.at, f.problem, f.hint) for f in unclean.checks.findings if f.severity == "error"]
        if errors:
            raise Problem("rejected-rule", "检查发现错误，不能发布，详见 errors", errors=errors) from unclean
        failed = [
            Fault(f"cases/{case['name']}", case["why"] or "结果与预期不符", "请修改规则或用例")
            for case in unclean.checks.cases
            if not case["passed"]
        ]
        raise Problem("case-fails", "有用例未通过，不能发布，详见 errors", errors=failed) from unclean
    except Unavailable as error:
        raise unavailable() from error
    except TooLarge as error:
        raise Problem("too-large", "事项超过 256 KB；请删减原文或用例") from error


async def answered(request: Request, principal: Principal, change: Callable[[Any], Awaitable[Reply]]) -> Response:
    """Run a change; what it refuses becomes a problem."""
    with refusals():
        return await command(request, principal, change)


def unavailable() -> Problem:
    """The matcher does not answer."""
    return Problem("unavailable", "匹配服务没有应答，用例与规则无法检查；事项未作任何变动，请稍后重试")


async def seen(request: Request, principal: Principal, benefit: str) -> Kept:
    """A benefit the caller may see; a draft is not there for anybody but officers."""
    async with runtime_of(request).read(principal) as store:
        kept: Kept | None = await store.benefit(benefit)
    if kept is not None and principal.kind != "officer" and kept.offered is None:
        kept = None
    return there(kept)


def there(kept: Kept | None) -> Kept:
    """The benefit, or the problem that there is none."""
    if kept is None:
        raise Problem("not-found", "没有这一事项；请核对编号")
    return kept


def must_be_officer(principal: Principal) -> None:
    """Review is for people. Raises Problem."""
    if principal.kind != "officer":
        raise Problem("not-allowed", "审核与修改由人员（officer）进行；请使用有相应角色的人员密钥")


def officer(principal: Principal) -> Officer:
    """The caller as histories know them, and the departments they act for."""
    own = known_departments().named(principal.department)
    return Officer(principal.id, principal.roles, None if working_rules().everywhere & {*own, principal.department} else frozenset(own))


def simulation(request: Request) -> PolicyMatch:
    """The matcher of this deployment."""
    settings = runtime_of(request).settings
    return PolicyMatch(settings.policy_match_url, settings.service_key.get_secret_value() if settings.service_key else None)
