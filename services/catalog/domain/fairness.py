"""Fair competition: conditions that favour by ownership, by place or by name, with the provision that asks for a second look.

Source: 公平竞争审查条例 (国务院令第783号, in force since 2024-08-01), 第九条 (goods and factors move freely), 第十条 (no selective or
differentiated subsidies, tax or factor advantages for particular operators without a basis in law or the State Council's approval),
第十二条 (exceptions); and 公平竞争审查条例实施办法 (市场监管总局令第99号, in force since 2025-04-20), which names ownership, place of
registration, paying tax and reporting statistics locally as such conditions. A doubt is not a verdict: the review of a measure is
its drafters' and the market regulator's.
"""

import re
from collections.abc import Iterator

from contracts.rules import Benefit, FactValue, Some
from services.catalog.domain.lint import Doubt, Place, places, plain

ACT = "《公平竞争审查条例》"
MEASURES = "《公平竞争审查条例实施办法》"
_EXCEPTION = f"请核对是否有法律、行政法规依据或经国务院批准，或符合{ACT}第十二条的例外"
_PLACES = {"district": "注册地", "tax_district": "纳税地", "statistics_district": "统计地", "park": "所在园区"}
_MOVING = re.compile(r"(?:注册地|总部)?[^，。；]{0,6}(?:迁入|迁至|迁移至|落户)(?:本|我|到)?[市省区县]?|新迁入")
_STAYING = re.compile(r"(?:\d+|[一二三四五六七八九十]+)年内不(?:得)?(?:迁离|迁出|外迁|迁移)|不(?:得)?(?:迁离|迁出|外迁)")
_COMPANY = re.compile(
    r"(?:对|向|以|如|支持|给予|由|为|和|及|与|、|，|。|^)([\u4e00-\u9fff()]{2,24}?(?:股份有限公司|有限责任公司|集团有限公司|有限公司))"
)
_GENERIC = re.compile(r"^(?:股份|有限|责任|一人|国有|独资|上市|符合|依法|各类|新设|注册|企业|或者?|以及)*$|(?:的|类|家|户|或|是|为|在)$")


def unfair(benefit: Benefit) -> list[Doubt]:
    """What may favour particular operators; warnings, never errors."""
    found = [doubt for place in places(benefit) for doubt in _of_place(place, benefit)]
    found += _of_words(benefit)
    return list({(doubt.code, doubt.problem): doubt for doubt in reversed(found)}.values())[::-1]


def _of_place(place: Place, benefit: Benefit) -> Iterator[Doubt]:
    node = place.node
    if isinstance(node, FactValue) and place.at.startswith("rule"):
        words = f"“{place.quote}”" if place.quote else "规则"
        if node.fact == "ownership":
            yield Doubt("fair-ownership", place.at, f"{words} 以所有制为条件：{_provision(benefit)}", _EXCEPTION)
        elif node.fact in _PLACES:
            yield Doubt(
                "fair-place", place.at, f"{words} 以{_PLACES[node.fact]}为条件：{_provision(benefit)}", f"{MEASURES}亦有规定；{_EXCEPTION}"
            )
        elif node.fact in ("uscc", "name"):
            yield Doubt("fair-named", place.at, f"{words} 指定了企业：{_provision(benefit)}", _EXCEPTION)
    if isinstance(node, Some) and node.some == "change" and _MOVING.search(place.quote):
        yield Doubt(
            "fair-moving", place.at, f"“{place.quote}” 以迁入本地为条件：{_provision(benefit)}", f"{MEASURES}亦有规定；{_EXCEPTION}"
        )


def _of_words(benefit: Benefit) -> Iterator[Doubt]:
    text = plain(benefit.text or "")
    if found := _MOVING.search(text):
        yield Doubt("fair-moving", "text", f"“{found[0]}” 可能以迁入本地为条件：{_provision(benefit)}", f"{MEASURES}亦有规定；{_EXCEPTION}")
    duties = "".join(plain(duty.quote or "") for duty in benefit.obligations or ())
    if found := _STAYING.search(text) or _STAYING.search(duties):
        yield Doubt("fair-staying", "obligations", f"“{found[0]}” 可能阻碍本地经营者迁出：{ACT}第九条", _EXCEPTION)
    told = plain(f"{benefit.department or ''}{benefit.contact or ''}")
    for found in _COMPANY.finditer(text):
        company = re.sub(r"^(?:对|向|以|如|支持|给予|由|为)", "", found[1])
        stem = re.sub(r"(?:股份有限公司|有限责任公司|集团有限公司|有限公司)$", "", company)
        if not _GENERIC.search(stem) and company not in told:
            yield Doubt(
                "fair-named", "text", f"“{company}” 被指名：{_provision(benefit)}", f"如是承办或受理单位，请写入责任部门；{_EXCEPTION}"
            )


def _provision(benefit: Benefit) -> str:
    """第十条 is about money, tax and factors; where nothing is paid only the regulation is named."""
    return f"{ACT}第十条" if benefit.amount is not None or benefit.pays is not None else ACT
