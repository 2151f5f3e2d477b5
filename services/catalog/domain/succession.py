"""Succession (承接): what becomes of the benefits of a measure whose words changed. A successor is proposed; a person decides."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

EVIDENCE = ("quote", "article", "span")
"""Keys that say where a rule or an amount comes from, not what it asks."""
ALIKE = 0.4
"""Likeness of their words from which a benefit of the new clause goes on with one of the old."""
TOLD = 6
"""Changes that a finding tells word by word; of more it gives the number."""

_CALLED = {
    "title": "标题", "kind": "类别", "rule": "条件", "amount": "金额", "pays": "给付方式", "mode": "兑现方式", "valid": "有效期",
    "window": "申报期", "department": "责任部门", "stacking": "叠加规则", "obligations": "后续义务", "procedure": "办理程序",
}  # fmt: skip
_TOKEN = re.compile(
    r"\d+(?:[.,，]\d+)*\s*(?:[%％‰]|[十百千万亿]*(?:元|户|家|人|年|个月|月|日|天|个|次|项|倍|分)?)|[A-Za-z]+|\s+|.", re.DOTALL
)
_SENTENCE = re.compile(r"[^。；;！？\n]*[。；;！？\n]|[^。；;！？\n]+")
_COMPARED = 4_000_000  # pairs of tokens up to which texts are compared token by token, else by sentences


@dataclass(frozen=True)
class Proposal:
    """What is proposed in place of a benefit, as plain data, and what a person must look at before it is submitted."""

    benefit: dict[str, Any]
    findings: tuple[str, ...]


def propose(standing: Mapping[str, Any], read_before: Mapping[str, Any] | None, read_now: Mapping[str, Any], *, body: str) -> Proposal:
    """The successor of a benefit whose clause now has the words `body`.

    `standing` is the benefit as people left it; `read_before` and `read_now` are what the extraction reads in the old and in the new
    clause, its evidence placed in the raw text. Where it reads the same in both, what people made of it stays; where it reads something
    else, that is proposed, and a finding says so if people had changed it.
    """
    before = read_before or {}
    found: dict[str, Any] = {}
    findings: list[str] = []
    for key in dict.fromkeys((*standing, *read_now)):
        was, now, made = (bare(given.get(key)) for given in (before, read_now, standing))
        edited = made != was
        if key == "id":
            found[key] = standing[key]
        elif now != was or not edited:
            if key in read_now:
                found[key] = read_now[key]
            if edited and now != was and now != made and key in _CALLED:
                findings.append(f"{_CALLED[key]}曾由人员修改，现按新条文重新提出，请核对")
        else:
            kept, missing = _without_places(standing[key], body)
            found[key] = kept
            findings += [f"“{quote}”在新条文中已找不到，请核对{_CALLED.get(key, key)}" for quote in missing]
    return Proposal(found, tuple(dict.fromkeys(findings)))


def bare(node: Any) -> Any:
    """A rule, an amount or any part of a benefit without its evidence: what it asks or gives."""
    if isinstance(node, Mapping):
        return {key: bare(value) for key, value in node.items() if key not in EVIDENCE}
    return [bare(item) for item in node] if isinstance(node, list | tuple) else node


def _without_places(node: Any, body: str) -> tuple[Any, list[str]]:
    """The same without spans, which count in the old text, and the quotes that the new words do not hold."""
    if isinstance(node, Mapping):
        parts = {key: _without_places(value, body) for key, value in node.items() if key != "span"}
        quote = node.get("quote")
        missing = [quote] if isinstance(quote, str) and _folded(quote) not in _folded(body) else []
        return {key: part for key, (part, _) in parts.items()}, missing + [m for _, more in parts.values() for m in more]
    if isinstance(node, list | tuple):
        items = [_without_places(item, body) for item in node]
        return [item for item, _ in items], [m for _, more in items for m in more]
    return node, []


def _folded(text: str) -> str:
    return re.sub(r"\s+", "", text)


def pair(before: Sequence[str], after: Sequence[str]) -> list[int | None]:
    """For each of the new texts the index of the old one it goes on with, or None; none goes on twice. One and one always do."""
    if len(before) == len(after) == 1:
        return [0]
    alike = sorted(
        (-SequenceMatcher(None, old, new, autojunk=False).ratio(), abs(i - j), i, j)
        for i, old in enumerate(before)
        for j, new in enumerate(after)
    )
    found: list[int | None] = [None] * len(after)
    taken: set[int] = set()
    for unlike, _, i, j in alike:
        if -unlike >= ALIKE and found[j] is None and i not in taken:
            found[j] = i
            taken.add(i)
    return found


def changes(before: str, after: str) -> list[tuple[str, str]]:
    """The words that were replaced, in order: old and new, either empty. Blanks alone are no change."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if len(old) * len(new) > _COMPARED:
        old, new = _SENTENCE.findall(before), _SENTENCE.findall(after)
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    found = [("".join(old[i:k]), "".join(new[j:m])) for op, i, k, j, m in steps if op != "equal"]
    return [(one, other) for one, other in found if _folded(one) != _folded(other)]


def told(before: str, after: str) -> str:
    """The changes of words in a Chinese sentence without its full stop."""
    found = changes(before, after)
    said = [f"“{old}”改为“{new}”" if old and new else f"新增“{new}”" if new else f"删去“{old}”" for old, new in found[:TOLD]]
    more = f"，共 {len(found)} 处" if len(found) > TOLD else ""
    return "，".join(said) + more if said else "责任单位或标题有变动"


def told_terms(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """What became of the document's validity and of the clauses that govern all its measures; None when they stand."""
    said = [
        f"{name}由 {before.get(key) or '未写明'} 改为 {after.get(key) or '未写明'}"
        for key, name in (("valid_from", "施行日期"), ("valid_to", "有效期截止日"))
        if before.get(key) != after.get(key)
    ]
    old, new = ([_folded(clause) for clause in given.get("clauses") or ()] for given in (before, after))
    if old != new:
        gone, come = [c for c in old if c not in new], [c for c in new if c not in old]
        said.append(
            f"适用于全部举措的条文有改动（{told(''.join(gone), ''.join(come))}）" if gone or come else "适用于全部举措的条文顺序有变动"
        )
    return "；".join(said) or None
