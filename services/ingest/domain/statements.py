"""Statements: the JSON Lines an authority delivers, each line checked against the registry (一数一源) and kept or refused as a whole."""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.rules import Entry, RecordKind, Registry
from contracts.uscc import uscc_problem

LINE_LIMIT = 200 * 1024
"""Bytes a line may have; what is said of it must fit into one event (design §3)."""
PERIODS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "year": (re.compile(r"[0-9]{4}"), "年度如 2025"),
    "quarter": (re.compile(r"[0-9]{4}Q[1-4]"), "季度如 2025Q1"),
    "month": (re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])"), "月份如 2025-03"),
}
_HINTED = 200  # different unknown names of one delivery that get a hint of their own
_LARGEST, _FINEST = 18, -12  # digits before the point, and the last place after it, that a number may have


@dataclass(frozen=True)
class Fault:
    """What is wrong with a line: where, a stable code, and in Chinese what is wrong and what to do."""

    at: str
    code: str
    problem: str
    hint: str


@dataclass(frozen=True)
class Statement:
    """One enterprise's facts and records as one authority states them; numbers are int or Decimal, never float."""

    uscc: str
    name: str | None
    true_on: date
    facts: Mapping[str, Any]
    records: Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Checked:
    """A delivery after the check: the good lines, how many lines were refused, and why (all faults of each)."""

    statements: tuple[Statement, ...]
    refused: int
    faults: tuple[Fault, ...]


def authority_of(department: str, registry: Registry) -> str | None:
    """The registry's id of the authority a department names, by its id or its office name; None when it is none."""
    return next((key for key, authority in registry.authorities.items() if department in (key, authority.name)), None)


def check(data: bytes, registry: Registry, *, authority: str, today: date, line_limit: int) -> Checked:
    """Check a delivery line by line; a wrong line is refused whole, its neighbours are not. Raises ValueError past `line_limit` lines."""
    statements: list[Statement] = []
    faults: list[Fault] = []
    refused = 0
    checker = _Checker(registry, authority, today)
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if sum(1 for line in lines if line.strip()) > line_limit:
        raise ValueError(f"more than {line_limit} lines")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = checker.line(number, line)
        if isinstance(found, Statement):
            statements.append(found)
        else:
            refused += 1
            faults += found
    return Checked(tuple(statements), refused, tuple(faults))


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if value and (value.adjusted() >= _LARGEST or int(value.as_tuple().exponent) < _FINEST):
        raise ValueError(f"数值 {text[:40]} 过大或过细")
    return value


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} 不是 JSON 数值")


Check = Callable[[Any], str | None]


def _number(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return "应为不带引号的数值"
    return None if -(10**_LARGEST) < value < 10**_LARGEST else "数值过大"


def _not_negative(value: Any) -> str | None:
    return _number(value) or ("不能为负数" if value < 0 else None)


def _text(value: Any) -> str | None:
    return None if isinstance(value, str) and 0 < len(value) <= 2000 else "应为 1 至 2000 字的文字"


def _bool(value: Any) -> str | None:
    return None if isinstance(value, bool) else "应为 true 或 false"


def _day(value: Any) -> str | None:
    try:
        return None if isinstance(value, str) and date.fromisoformat(value).isoformat() == value else "应为日期如 2025-06-30"
    except ValueError:
        return "应为日期如 2025-06-30"


def _set(value: Any) -> str | None:
    return None if isinstance(value, list) and all(_text(item) is None for item in value) else '应为文字的列表如 ["高新技术企业"]'


_CHECKS: Mapping[str, Check] = {"text": _text, "code": _text, "bool": _bool, "date": _day, "end": _day, "set": _set}


def check_of(entry: Entry) -> Check:
    """What says in Chinese why a value is not of an entry's type; None where it is."""
    return _CHECKS.get(entry.type) or (_number if entry.signed else _not_negative)


class _Checker:
    """The registry laid out for many lines of one authority."""

    def __init__(self, registry: Registry, authority: str, today: date) -> None:
        self._registry, self._authority, self._today = registry, authority, today
        self._hints: dict[tuple[str, str], str] = {}
        self._facts = {name: (fact, check_of(fact)) for name, fact in registry.facts.items()}
        self._periods: dict[str, set[str]] = {name: set() for name in registry.facts}  # seen, and written as they should be
        self._fields = {(kind, name): check_of(field) for kind, entry in registry.kinds.items() for name, field in entry.fields.items()}

    def line(self, number: int, line: bytes) -> Statement | list[Fault]:
        here = f"line {number}"
        if len(line) > LINE_LIMIT:
            hint = f"一行最多 {LINE_LIMIT // 1024} KiB；请减少明细的行数或字段"
            return [Fault(here, "too-large", f"这一行有 {len(line)} 字节", hint)]
        try:
            given = json.loads(line.decode(), parse_float=_decimal, parse_constant=_no_constant)
        except UnicodeDecodeError:
            return [Fault(here, "unreadable", "不是 UTF-8 编码", "请将文件另存为 UTF-8 后重新提交")]
        except (ValueError, RecursionError) as error:
            problem = f"第 {error.colno} 列不是 JSON" if isinstance(error, json.JSONDecodeError) else "不是可接受的 JSON"
            return [Fault(here, "unreadable", problem, "每行应为一个 JSON 对象，数值不超过 18 位整数、12 位小数")]
        if not isinstance(given, dict):
            return [Fault(here, "invalid-request", "应为 JSON 对象", '写成 {"uscc": …, "facts": {…}, "records": {…}}')]
        faults: list[Fault] = []
        uscc, name, facts, records = given.get("uscc"), given.get("name"), given.get("facts") or {}, given.get("records") or {}
        if no_uscc := uscc_problem(uscc) if isinstance(uscc, str) else "缺少统一社会信用代码（uscc，文字）":
            faults.append(Fault(f"{here} uscc", "invalid-uscc", no_uscc, "请核对营业执照上的 18 位代码"))
        if name is not None and (wrong := _text(name)):
            faults.append(Fault(f"{here} name", "invalid-request", wrong, "请填写企业名称，或删去 name"))
        true_on = self._true_on(here, given.get("true_on"), faults)
        for key in given.keys() - {"uscc", "name", "true_on", "facts", "records"}:
            faults.append(Fault(f"{here} {key[:40]}", "invalid-request", "不认识的键", "事实写在 facts 之下，明细写在 records 之下"))
        if not isinstance(facts, dict) or not isinstance(records, dict):
            faults.append(Fault(here, "invalid-request", "facts 与 records 应为对象", '写成 {"facts": {"revenue": {"2025": 26000000}}}'))
            return faults
        stated = {fact: self._fact(here, fact, value, faults) for fact, value in facts.items() if value is not None}
        tables = {kind: self._records(here, kind, rows, faults) for kind, rows in records.items() if rows is not None}
        if not facts and not records:
            faults.append(Fault(here, "invalid-request", "没有任何事实", "请在 facts 或 records 中写明要提供的内容"))
        return faults or Statement(str(uscc), name, true_on, stated, tables)

    def _true_on(self, here: str, given: Any, faults: list[Fault]) -> date:
        if given is None:
            return self._today
        if wrong := _day(given):
            faults.append(Fault(f"{here} true_on", "invalid-request", wrong, "true_on 是这些事实为真的那一天；省略即为今天"))
            return self._today
        day = date.fromisoformat(given)
        if day > self._today:
            faults.append(Fault(f"{here} true_on", "invalid-request", "晚于今天", "尚未发生的事实请到时再提供"))
        return day

    def _fact(self, here: str, name: str, value: Any, faults: list[Fault]) -> Any:
        """The value as it is kept; what is wrong with it goes into `faults`. Most values are right, and are not looked at twice."""
        known = self._facts.get(name)
        if known is not None and known[0].authority == self._authority:
            fact, problem_of = known
            if not fact.periods:
                if not isinstance(value, dict) and problem_of(value) is None:
                    return value
            elif isinstance(value, dict) and value.keys() <= self._periods[name]:
                stated = {period: one for period, one in value.items() if one is not None}
                if not any(map(problem_of, stated.values())):
                    return stated
        return self._looked_at(here, name, value, faults)

    def _looked_at(self, here: str, name: str, value: Any, faults: list[Fault]) -> Any:
        at = f"{here} facts.{name[:60]}"
        known = self._facts.get(name)
        if known is None:
            names = {key: fact.name for key, fact in self._registry.facts.items()}
            faults.append(Fault(at, "unknown-fact", "登记表中没有这一事实", self._near(name, names)))
            return None
        fact, problem_of = known
        if fact.authority != self._authority:
            faults.append(self._wrong_authority(at, fact.name, fact.authority))
            return None
        if not fact.periods:
            if isinstance(value, dict):
                faults.append(Fault(at, "invalid-request", f"{fact.name}不分期间", "请直接写值"))
            elif problem := problem_of(value):
                faults.append(Fault(at, "invalid-request", problem, typed(fact)))
            return value
        forms = [PERIODS[period] for period in fact.periods]
        asked = "、".join(words for _, words in forms)
        if not isinstance(value, dict):
            faults.append(Fault(at, "invalid-request", f"{fact.name}须按期间填写", f"写成 {{期间: 值}}，{asked}"))
            return None
        stated = {}
        for period, one in value.items():
            if not any(form.fullmatch(period) for form, _ in forms):
                faults.append(Fault(f"{at}@{period[:20]}", "invalid-request", "期间的写法不对", f"{fact.name}的期间：{asked}"))
                continue
            self._periods[name].add(period)
            if one is not None:
                if problem := problem_of(one):
                    faults.append(Fault(f"{at}@{period}", "invalid-request", problem, typed(fact)))
                stated[period] = one
        return stated

    def _records(self, here: str, kind: str, rows: Any, faults: list[Fault]) -> list[dict[str, Any]]:
        at = f"{here} records.{kind[:60]}"
        known = self._registry.kinds.get(kind)
        if known is None:
            names = {key: entry.name for key, entry in self._registry.kinds.items()}
            faults.append(Fault(at, "unknown-fact", "登记表中没有这一类明细", self._near(kind, names)))
            return []
        if known.authority != self._authority:
            faults.append(self._wrong_authority(at, known.name, known.authority))
            return []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            faults.append(Fault(at, "invalid-request", "应为对象的列表", '写成 [{"id": …}, …]；没有明细就写 []'))
            return []
        ids: set[str] = set()
        for i, row in enumerate(rows):
            self._row(f"{at}[{i}]", kind, known, row, ids, faults)
        return rows

    def _row(self, at: str, kind: str, known: RecordKind, row: dict[str, Any], ids: set[str], faults: list[Fault]) -> None:
        own = row.get("id")
        if not isinstance(own, str) or not own or own in ids:
            faults.append(Fault(f"{at}.id", "invalid-request", "每行须有不重复的文字 id", "请用来源系统中这一行的编号"))
        else:
            ids.add(own)
        for field, value in row.items():
            if field == "id" or value is None:
                continue
            problem_of = self._fields.get((kind, field))
            if problem_of is None:
                names = {name: entry.name for name, entry in known.fields.items()}
                faults.append(Fault(f"{at}.{field[:40]}", "unknown-fact", f"{known.name}没有这一字段", self._near(field, names)))
            elif problem := problem_of(value):
                faults.append(Fault(f"{at}.{field}", "invalid-request", problem, typed(known.fields[field])))

    def _near(self, given: str, names: Mapping[str, str]) -> str:
        """What a caller may have meant: entries with a like id or Chinese name; looked for once for each of the first wordings."""
        key = (given, next(iter(names), ""))
        if key not in self._hints and len(self._hints) < _HINTED and len(given) < 100:
            ids = difflib.get_close_matches(given, names, n=3, cutoff=0.6)
            ids += [key for key, name in names.items() if key not in ids and len(given) > 1 and (given in name or name in given)]
            meant = "、".join(f"{key}（{names[key]}）" for key in ids[:3])
            self._hints[key] = f"是否指：{meant}" if ids else "请对照登记表的编号填写"
        return self._hints.get(key, "请对照登记表的编号填写")

    def _wrong_authority(self, at: str, name: str, authority: str) -> Fault:
        office = self._registry.authorities[authority].name
        return Fault(at, "wrong-authority", f"{name}由{authority}（{office}）提供", "请删去这一项，由其主管部门提供")


def typed(entry: Entry) -> str:
    """What an entry's values look like, as a hint."""
    unit = f"，单位{entry.unit}" if entry.unit else ""
    return f"{entry.name}：{_TYPE_WORDS[entry.type]}{unit}"


_TYPE_WORDS = {
    "text": "文字", "code": "代码（文字）", "bool": "true 或 false", "number": "数值", "money": "金额，按元填写",
    "ratio": "比例，3% 写作 0.03", "date": "日期", "end": "日期，尚未结束为 null", "set": "文字的列表",
}  # fmt: skip
