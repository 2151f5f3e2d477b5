"""Rules, amounts and benefits from plain data; what is not of the language is refused with where, what and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from contracts.rules.amount import Amount
from contracts.rules.benefit import Benefit
from contracts.rules.node import TAGS
from contracts.rules.rule import Rule


class Problem(NamedTuple):
    """Where, what is wrong, what to do: in the words an officer reads."""

    at: str
    problem: str
    hint: str


class RuleError(ValueError):
    """What was given is not of the language."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("；".join(f"{p.at or '（根）'}：{p.problem}（{p.hint}）" for p in problems))


_HINTS: Mapping[str, tuple[str, str]] = {
    "missing": ("缺少这一项", "请补上"),
    "extra_forbidden": ("不认识的键", "请检查拼写，或删去"),
    "literal_error": ("不是允许的取值", "请改为下列之一：{expected}"),
    "string_type": ("应为文字", "请加引号写成文字"),
    "string_too_short": ("不能为空", "请填写"),
    "string_pattern_mismatch": ("写法不对", "应符合 {pattern}"),
    "bool_type": ("应为 true 或 false", "请改正"),
    "int_type": ("应为整数", "请写成不带引号的整数"),
    "tuple_type": ("应为列表", "请写成 […]"),
    "too_short": ("列表太短", "至少 {min_length} 项"),
    "too_long": ("列表太长", "最多 {max_length} 项"),
    "model_type": ("应为对象", "请写成 {{…}}"),
    "dict_type": ("应为对象", "请写成 {{…}}"),
}


def problems_of(error: ValidationError, given: Any) -> tuple[Problem, ...]:
    """The faults pydantic found in `given`, each with its path there (`rule/all/0/is`), what is wrong and what to do."""
    problems = []
    for fault in error.errors(include_url=False):
        context = {key: str(value) for key, value in fault.get("ctx", {}).items()}
        if "expected" in context:  # 'a', 'b' or 'c'
            context["expected"] = "、".join(re.findall(r"'([^']*)'", context["expected"]))
        problem, hint = _HINTS.get(fault["type"], (fault["msg"], "请按规则语言改正"))
        problems.append(Problem(_path_in(given, fault["loc"]), problem.format_map(context), hint.format_map(context)))
    return tuple(problems)


def _path_in(given: Any, steps: tuple[int | str, ...]) -> str:
    """pydantic's location without the tags it adds for unions."""
    path, here = [], given
    for position, step in enumerate(steps):
        last = position == len(steps) - 1
        if isinstance(here, Mapping) and (step in here or (last and step not in TAGS)):
            here = here.get(step)
        elif isinstance(here, list | tuple) and isinstance(step, int):
            here = here[step] if step < len(here) else None
        else:
            continue
        path.append(str(step))
    return "/".join(path)


_RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
_AMOUNT: TypeAdapter[Amount] = TypeAdapter(Amount)
_BENEFIT: TypeAdapter[Benefit] = TypeAdapter(Benefit)
_Read = TypeVar("_Read")


def _read(adapter: TypeAdapter[_Read], given: Any) -> _Read:
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise RuleError(problems_of(error, given)) from error


def parse_rule(given: Any) -> Rule:
    """A rule from plain data (as `loads` gives it). Raises RuleError, naming every fault."""
    return _read(_RULE, given)


def parse_amount(given: Any) -> Amount:
    """An amount from plain data. Raises RuleError, naming every fault."""
    return _read(_AMOUNT, given)


def parse_benefit(given: Any) -> Benefit:
    """A benefit from plain data. Raises RuleError, naming every fault."""
    return _read(_BENEFIT, given)
