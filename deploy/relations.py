"""Who stands behind a synthetic firm: the persons who run and own it, and the enterprise above it, which is another firm of the city.

Rows have the fields of the registry's kinds `person` and `parent`. Shares of the owners add up to at most one.
"""

import random
from collections import deque
from datetime import date, timedelta
from typing import Any, Final

from deploy.firms import Firm

Row = dict[str, Any]
_HEADS: Final = 64  # of so many large firms before it, one may be the parent of a firm
_RANKINGS: Final = ("世界500强", "中国500强", "中国民营企业500强")
_STATUSES: Final = ("高校毕业生", "退役军人", "留学回国人员", "就业困难人员")


class Relations:
    """The firms seen so far that may stand above others; a firm's relations depend on those before it only."""

    def __init__(self) -> None:
        self._heads: deque[Row] = deque(maxlen=_HEADS)

    def of(self, rng: random.Random, firm: Firm, as_of: date) -> dict[str, list[Row]]:
        """The tables `person` and `parent` of the next firm."""
        above = self._above(rng, firm)
        if firm.size == "large" and not above:
            lists = [rng.choice(_RANKINGS)] if rng.random() < 0.15 else []
            self._heads.append({"name": firm.name, "lists": lists})
        return {"person": _persons(rng, firm, as_of, left=1.0 - sum(row["share"] for row in above[:1])), "parent": above}

    def _above(self, rng: random.Random, firm: Firm) -> list[Row]:
        """Mostly none; joint-stock and state firms are held more often. The second row is the parent's own parent."""
        likely = 0.05 + 0.2 * firm.joint_stock + 0.35 * firm.ownership.startswith("state")
        if not self._heads or firm.legal_form != "company" or rng.random() >= likely:
            return []
        chain = rng.sample(list(self._heads), min(len(self._heads), 1 + (rng.random() < 0.2)))
        return [
            {
                "id": f"parent-{depth}",
                "name": head["name"],
                "depth": depth,
                "share": round(rng.uniform(0.51, 1.0), 4),
                "lists": head["lists"],
            }
            for depth, head in enumerate(chain, 1)
        ]


def _persons(rng: random.Random, firm: Firm, as_of: date, *, left: float) -> list[Row]:
    """The legal representative, who may hold a share, and up to three other shareholders."""
    roles = ["法定代表人", *["股东"] * (rng.choices((0, 1, 2, 3), (0.45, 0.3, 0.15, 0.1))[0] if firm.legal_form == "company" else 0)]
    rows = []
    for number, role in enumerate(roles, 1):
        share = round(left * rng.uniform(0.2, 0.8), 4) if number < len(roles) else round(left, 4)
        left -= share
        rows.append(
            {
                "id": f"person-{number}",
                "role": role,
                "born_on": _born(rng, firm, as_of),
                "sex": rng.choice(("男", "男", "女")),
                "status": rng.choice(_STATUSES) if rng.random() < 0.12 else None,
                "share": share,
            }
        )
    return [{key: value for key, value in row.items() if value is not None} for row in rows]


def _born(rng: random.Random, firm: Firm, as_of: date) -> str:
    """Between 20 and 60 years before the firm was founded, and of no more than 80 years today."""
    latest = firm.founded - timedelta(days=20 * 366)
    earliest = max(firm.founded - timedelta(days=60 * 365), as_of - timedelta(days=80 * 365))
    return (earliest + timedelta(days=rng.randint(0, (latest - earliest).days))).isoformat()
