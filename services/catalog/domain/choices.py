"""Lists of which some have to be met: 符合下列条件之一, 满足以下三项以上, and a score that does instead of the list."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.catalog.domain.condition import Condition
from services.catalog.domain.passage import Span
from services.catalog.domain.quantities import numeral

_SOME = re.compile(
    r"(?P<instead>或者?)?(?:须|需|应当?|还)?(?:同时)?(?:满足|符合|具备|具有|达到)?(?:以下|下列|如下)[^,。;:()]{0,8}?(?:条件|情形|要求|标准|情况)?(?:中|的|之)*"
    r"(?:(?P<one>之一|任[一意][^,。;:]{0,2}|其中[一1][项条个])|(?:至少|不少于|任意)?(?P<n>[二两三四五六七八\d])(?:项|条|个)(?:条件)?(?:及?以上)?)(?:条件)?(?:以上)?"
)
_DENIES = re.compile(r"[^。;:]{0,16}(?:不予|不得|不能|不再|不享受|取消)")
_LABELS = (r"\({n}\)", r"{n}[.、)]", r"\({z}\)", r"{z}、", r"(?<=[:;。,]){n}(?=[\u4e00-\u9fa5“])")
_NUMBERS = "一二三四五六七八九十"


@dataclass(frozen=True)
class Choice:
    """A list of which `needs` items have to be met; `instead` is where words stand that do instead of it (得分60分以上或…)."""

    needs: int
    items: tuple[Span, ...]
    instead: Span | None = None


def choices(text: str) -> list[Choice]:
    """Every such list of a text, with its items. A list that shuts somebody out is none."""
    found: list[Choice] = []
    for marker in _SOME.finditer(text):
        if _DENIES.match(text, marker.end()):
            continue
        items = _items(text, marker.end())
        needs = 1 if marker["one"] else int(numeral(marker["n"]))
        if len(items) < 2 or needs > len(items):
            continue
        instead = None
        if marker["instead"]:
            start = max(text.rfind(stop, 0, marker.start()) for stop in ",;。:(") + 1
            instead = Span(start, marker.start())
        found.append(Choice(needs, tuple(items), instead))
    return found


def places(choice: Choice, conditions: Sequence[Condition]) -> list[list[int]]:
    """For each item the places of the conditions that stand in it, and last, if there are any, those that do instead of the list."""
    within = [[i for i, c in enumerate(conditions) if _overlap(c.span, item) * 2 > len(c.span)] for item in choice.items]
    instead = [i for i, c in enumerate(conditions) if choice.instead and _overlap(c.span, choice.instead) * 2 > len(c.span)]
    return [*within, instead] if instead else within


def _overlap(a: Span, b: Span) -> int:
    return max(0, min(a.end, b.end) - max(a.start, b.start))


def _items(text: str, at: int) -> list[Span]:
    """The items that begin behind `at`, numbered from one on in one kind of number."""
    best: list[tuple[int, int]] = []
    for shape in _LABELS:
        labels: list[tuple[int, int]] = []
        place = at
        for n in range(1, 11):
            label = re.compile(shape.format(n=n, z=_NUMBERS[n - 1])).search(text, place, min(len(text), place + (60 if n == 1 else 400)))
            if label is None:
                break
            labels.append(label.span())
            place = label.end()
        if labels and (not best or labels[0][0] < best[0][0]):
            best = labels
    if not best:
        return []
    stop = text.find("。", best[-1][1])
    ends = [*(start for start, _ in best[1:]), stop if stop >= 0 else len(text)]
    return [Span(begin, end) for (_, begin), end in zip(best, ends, strict=True)]


def joined(text: str, conditions: Sequence[Condition]) -> list[list[list[int]]]:
    """Conditions of lists of which one item does, as ors of ands of places."""
    return [
        [item for item in items if item]
        for choice in choices(text)
        if choice.needs == 1 and sum(map(bool, items := places(choice, conditions))) > 1
    ]
