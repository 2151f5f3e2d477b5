"""How conditions hang together: alternatives (或), and words that lean on those before them (且占…3%, 近三年…)."""

import re
from collections.abc import Sequence
from dataclasses import replace

from services.catalog.domain.attributes import MEASURED
from services.catalog.domain.choices import joined
from services.catalog.domain.condition import Condition
from services.catalog.domain.conduct import looked_back

_LEANS = re.compile(r"^(?:且|并|或)?(?:占|其?同比|增[长速幅]|较(?:上|前)(?:一)?(?:会计)?年度?)")
_AND_MORE = re.compile(r"(?:[、或和及][^,。;:、或的]{2,24})+")  # 重大安全、重大质量事故或严重环境违法行为
_FIGURES = frozenset(row.attribute for row in MEASURED)


def branches(text: str, conditions: Sequence[Condition]) -> list[list[list[int]]]:
    """Conditions by their places in the list, as an and of ors of ands: [[[0]], [[1], [2, 3]]] is 0 and (1 or (2 and 3)).

    "或" binds the condition before it and the unbroken phrase behind it; of a list of which one item does, the items are alternatives.
    """
    groups: list[list[list[int]]] = []
    listed = joined(text, conditions)
    taken = {i for group in listed for item in group for i in item}
    for i, condition in enumerate(conditions):
        if i in taken:
            groups += [group for group in listed if min(j for item in group for j in item) == i]
            continue
        if i and groups and i - 1 not in taken and _or_between(text, conditions[i - 1], condition):
            last = groups[-1]
            left = last[-1]
            if len(last) == 1 and len(left) > 1:
                groups[-1] = [left[:-1]]
                groups.append([[left[-1]], [i]])
            else:
                last.append([i])
        elif i and groups and i - 1 not in taken and len(groups[-1]) > 1 and one_phrase(text, conditions[i - 1], condition):
            groups[-1][-1].append(i)
        else:
            groups.append([[i]])
    return groups


def _or_between(text: str, a: Condition, b: Condition) -> bool:
    if b.span.start < a.span.end:
        return False
    gap = text[a.span.end : b.span.start] + text[b.span.start : b.span.start + 2]
    return len(gap) <= 16 and bool(re.match(r"[^。;]{0,13}?或", gap))


def one_phrase(text: str, a: Condition, b: Condition) -> bool:
    """True where no stop stands between a condition and the one behind it."""
    return b.span.start < a.span.end or not re.search("[,。;、]", text[a.span.end : b.span.start])


def leaning(text: str, condition: Condition, earlier: Sequence[Condition]) -> tuple[Condition, str]:
    """The condition and its words; where they say only "且占…3%" or "同比增速…", with the subject of the figure before them."""
    words = text[condition.span.start : condition.span.end]
    if condition.attribute in ("违法记录", "信用状况"):  # the look-back stands before: 近三年未发生…
        phrase = max(text.rfind(c, 0, condition.span.start) for c in ",;。:、") + 1
        more = _AND_MORE.match(text, condition.span.end)
        return condition, looked_back(text, condition.span) + text[phrase : more.end() if more else condition.span.end]
    if condition.comparison is None or not condition.comparison.figures[0].share or not _LEANS.match(words):
        return condition, words
    figures = [c for c in earlier if c.comparison is not None and c.attribute in _FIGURES and c.span.end <= condition.span.start]
    if not figures:
        return condition, words
    subject = figures[-1]
    return replace(condition, attribute=subject.attribute), text[subject.span.start : subject.span.end] + words


# What says the same in the registry's terms, where it stands in one phrase with the key's attribute.
_SAID_BESIDE = {
    "首次认定": ("资质认定", "纳统情况", "名单入选", "项目入库", "上市板块", "上市阶段", "榜单排名", "贷款类型", "企业规模"),
    "上市阶段": ("上市板块",),
    "认定时间": ("资质认定", "首次认定"),
}


def implied(text: str, conditions: Sequence[Condition]) -> set[int]:
    """Places of conditions that only repeat one beside them: 首次 beside the title that is first held, 上市 beside the board."""
    found: set[int] = set()
    for i, c in enumerate(conditions):
        if c.attribute == "认定时间" and c.comparison is not None:
            continue  # within so long of it: asked for itself
        for other in conditions:
            beside = other.attribute in _SAID_BESIDE.get(c.attribute, ()) or (
                c.attribute == "首次认定" and other.comparison is not None and "首" in text[other.span.start : other.span.end]
            )
            if (
                other is not c
                and beside
                and not other.excepted
                and (other.span.meets(c.span) or one_phrase(text, *sorted((c, other), key=_start)))
            ):
                found.add(i)
    return found


def _start(condition: Condition) -> int:
    return condition.span.start
