"""惠企政策清单: the list of what is on offer, one line a benefit, in the columns that cities publish.

The columns follow the lists that provinces ask for (事项名称, 政策依据, 支持对象, 支持标准, 兑现方式, 责任部门, 时限). What a document does
not say stays empty; nothing is worded anew: conditions and standard are the clause itself.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.rules import Benefit, Fixed
from services.catalog.domain.lint import plain_day

COLUMNS: Mapping[str, str] = {
    "id": "事项编号",
    "title": "事项名称",
    "policy": "政策名称",
    "doc_number": "发文字号",
    "issuer": "发文机关",
    "level": "层级",
    "article": "条款",
    "kind": "类别",
    "text": "政策原文",
    "amount": "定额（元）",
    "mode": "兑现方式",
    "department": "责任部门",
    "contact": "联系方式",
    "valid_from": "有效期起",
    "valid_to": "有效期止",
    "window_from": "申报期起",
    "window_to": "申报期止",
    "version": "版本",
}
"""Each field of a line and the heading of its column."""
MODES = {"direct": "免申即享", "confirm": "免申即享（确认后兑付）", "apply": "申报", "inform": "告知"}


def line(benefit: Benefit, version: int, facts: Mapping[str, Any], level: str | None) -> dict[str, str | int | date | Decimal | None]:
    """A line of the list; `facts` are what the document says of itself."""
    valid, window = benefit.valid, benefit.window
    fixed = benefit.amount.fixed if isinstance(benefit.amount, Fixed) else None
    return {
        "id": benefit.id,
        "title": benefit.title,
        "policy": benefit.policy,
        "doc_number": facts.get("doc_number"),
        "issuer": facts.get("issuer"),
        "level": level,
        "article": benefit.article,
        "kind": benefit.kind,
        "text": benefit.text,
        "amount": fixed if isinstance(fixed, Decimal) else None,
        "mode": MODES.get(benefit.mode or ""),
        "department": benefit.department,
        "contact": benefit.contact,
        "valid_from": plain_day(valid.from_) if valid else None,
        "valid_to": plain_day(valid.to) if valid else None,
        "window_from": plain_day(window.from_) if window else None,
        "window_to": plain_day(window.to) if window else None,
        "version": version,
    }
