"""A synthetic city: enterprises with facts and records as the authorities would state them, some of them not stated at all.

No line is about a real enterprise: names end in 「（合成）」 and each object says `"synthetic": true`. The same seed and day give the
same city; a larger count begins with the smaller one.
"""

import json
import random
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from contracts.registry import load_registry
from deploy import histories
from deploy.firms import Firm, firms
from deploy.relations import Relations

Enterprise = dict[str, Any]

UNSTATED = 0.1  # the odds that one fact of one enterprise never reached its authority's table
SILENT = 0.04  # the odds that an authority says nothing at all about an enterprise
LATE = 0.06  # the odds that the newest period is not in yet
ALWAYS = frozenset({"founded_on", "district", "status", "legal_form"})  # no business licence without them


def enterprises(count: int, *, seed: int, as_of: date, city: str = "350200") -> Iterator[Enterprise]:
    """`count` lines of rules.md §5: `uscc`, `name`, `synthetic`, `facts`, `records`; money in whole yuan, ratios as fractions.

    Facts reach up to the last period closed on `as_of`. Raises ValueError for a city without tables.
    """
    rng, relations = random.Random(seed), Relations()
    for firm in (firm for _, firm in zip(range(count), firms(rng, as_of=as_of, city=city), strict=False)):
        records = _records(rng, firm, as_of) | relations.of(rng, firm, as_of)
        facts = _register(rng, firm) | _figures(rng, firm, as_of) | _standing(rng, firm, records, as_of)
        facts, records = _as_stated(rng, facts, records, as_of)
        yield {"uscc": firm.uscc, "name": firm.name, "synthetic": True, "facts": facts, "records": records}


def statements(enterprise: Enterprise, *, true_on: date) -> dict[str, Enterprise]:
    """The enterprise's line cut up by the authority that owns each fact and record table, ready for `POST /v1/facts`.

    Each is `{"uscc", "true_on", "facts", "records"}`; the registering authority's also has `name`. Authorities with nothing to say
    are left out. Raises KeyError for a fact or record kind that the registry does not know.
    """
    out: dict[str, Enterprise] = {}
    registry = load_registry()

    def of(authority: str) -> Enterprise:
        line = {"uscc": enterprise["uscc"], "true_on": true_on.isoformat(), "facts": {}, "records": {}}
        return out.setdefault(authority, line)

    for fact, value in enterprise["facts"].items():
        of(registry.facts[fact].authority)["facts"][fact] = value
    for kind, rows in enterprise["records"].items():
        of(registry.kinds[kind].authority)["records"][kind] = rows
    of(registry.facts["founded_on"].authority)["name"] = enterprise["name"]
    return out


def deliveries(city: Iterable[Enterprise], *, true_on: date) -> dict[str, bytes]:
    """What each authority sends to `POST /v1/facts`: JSON Lines in UTF-8, one line per enterprise it has something to say about."""
    lines: dict[str, list[str]] = {}
    for enterprise in city:
        for authority, line in statements(enterprise, true_on=true_on).items():
            lines.setdefault(authority, []).append(json.dumps(line, ensure_ascii=False))
    return {authority: "\n".join(of).encode() for authority, of in lines.items()}


def _register(rng: random.Random, firm: Firm) -> dict[str, Any]:
    """What the business register holds."""
    capital = max(10_000, round(max(firm.revenue.values(), default=1_000_000) * rng.lognormvariate(-1.2, 0.8) / 10_000) * 10_000)
    facts: dict[str, Any] = {
        "founded_on": firm.founded.isoformat(),
        "status": "存续" if rng.random() < 0.975 else rng.choice(("注销", "吊销", "歇业", "清算")),
        "legal_form": firm.legal_form,
        "ownership": firm.ownership,
        "taiwan_invested": firm.taiwan,
        "district": firm.district,
        "industry": firm.industry,
        "registered_capital": capital,
        "paid_in_capital": round(capital * min(1.0, rng.uniform(0.3, 1.4))),
        "abnormal": firm.repute < 0.03,
    }
    if firm.park:
        facts["park"] = firm.park
    return facts


def _figures(rng: random.Random, firm: Firm, as_of: date) -> dict[str, Any]:
    """Figures by year, quarter and month, each following from revenue and staff."""
    industrial = firm.sector in histories.SECTORS_IN_INDUSTRY
    quarters = _quarters(rng, firm, as_of)
    revenue = {str(year): amount for year, amount in firm.revenue.items()} | quarters
    profit = {period: round(amount * (firm.margin + rng.gauss(0, 0.025))) for period, amount in revenue.items()}
    tax = {year: round(amount * 0.025 + max(0, profit[str(year)]) * 0.2) for year, amount in firm.revenue.items()}
    assets = rng.lognormvariate(-0.1, 0.5)

    def yearly(share: float, spread: float = 0.08, *, of: dict[int, int] = firm.revenue) -> dict[str, int]:
        return {str(year): round(amount * share * max(0.0, rng.gauss(1, spread))) for year, amount in of.items()}

    building = rng.random() < (0.6 if industrial else 0.15)
    fixed = yearly(rng.uniform(0.01, 0.12) if building else 0.0, 0.5)
    insured = _insured(rng, firm, as_of)
    equipment = {year: round(amount * rng.uniform(0.4, 0.8)) for year, amount in fixed.items()}
    facts: dict[str, Any] = {
        "size": firm.size,
        "above_scale": {str(year): amount >= firm.above_from for year, amount in firm.revenue.items()},
        "revenue": revenue,
        "total_assets": {period: round(amount * assets * (1 if len(period) == 4 else 4)) for period, amount in revenue.items()},
        "profit": profit,
        "net_profit": {period: amount - round(max(0, amount) * 0.15) for period, amount in profit.items()},
        "main_revenue": yearly(rng.uniform(0.75, 1.0), 0.0),
        "tax_paid": {str(year): amount for year, amount in tax.items()},
        "local_contribution": yearly(0.42, 0.05, of=tax),
        "fixed_investment": fixed,
        "equipment_investment": equipment,
        "technical_upgrade_investment": {year: round(amount * 0.6) for year, amount in equipment.items()} if industrial else {},
        "rd_expense": yearly(firm.rd, 0.15),
        "patents": round(firm.rd * 60 * rng.uniform(0, 1.5)) + (rng.random() < 0.05),
        "exports": yearly(firm.exports),
        "imports": yearly(firm.exports * rng.choice((0.0, 0.2, 0.6)), 0.2),
        "employees": {str(year): people for year, people in firm.employees.items()},
        "rd_staff": {str(year): round(people * min(0.7, firm.rd * rng.uniform(2.5, 4))) for year, people in firm.employees.items()},
        "insured_persons": insured,
        "average_insured": {period: people for period, people in insured.items() if len(period) == 4},
        "layoff_rate": {str(year): round(abs(rng.gauss(0, 0.03)) + max(0.0, -firm.growth) * 0.4, 4) for year in firm.revenue},
        "taxpayer_type": "general" if max(firm.revenue.values(), default=0) > 5_000_000 or rng.random() < 0.25 else "small_scale",
        "tax_credit": {str(year): _tax_credit(rng, firm, year) for year in firm.revenue},
        "independent_accounting": rng.random() < 0.97,
        "foreign_trade_registered": firm.exports > 0 or firm.sector == "wholesale",
        "tax_district": firm.district if rng.random() < 0.96 else firm.elsewhere,
        "statistics_district": firm.district,
    }
    if firm.sector == "software":
        facts["software_above_scale"] = dict(facts["above_scale"])
    if industrial:
        ratio = rng.uniform(0.92, 1.1)
        facts["output_value"] = {period: round(amount * ratio) for period, amount in revenue.items()}
    return facts


def _quarters(rng: random.Random, firm: Firm, as_of: date) -> dict[str, int]:
    """Quarters closed before the day: those of last year add up to the year, this year's follow the expected growth."""
    season = [max(0.1, share + rng.gauss(0, 0.015)) for share in (0.22, 0.25, 0.25, 0.28)]
    this = as_of.year
    # A firm of this year has no full year to grow from: its quarters follow from its staff.
    ahead = round(firm.revenue.get(this - 1, 0) * (1 + firm.growth)) or 300_000 * max(firm.employees.values())
    out: dict[str, int] = {}
    for year in (this - 2, this - 1, this):
        base = ahead if year == this else firm.revenue.get(year, 0)
        open_quarters = [q for q in range(1, 5) if date(year, 3 * q, 28) >= firm.founded and (year, q) < (this, (as_of.month + 2) // 3)]
        weight = sum(season[q - 1] for q in open_quarters) if year < this else sum(season)
        left = base
        for q in open_quarters:
            last = year < this and q == open_quarters[-1]
            out[f"{year}Q{q}"] = left if last else round(base * season[q - 1] / weight)
            left -= out[f"{year}Q{q}"]
    return out


def _insured(rng: random.Random, firm: Firm, as_of: date) -> dict[str, int]:
    """Insured staff at the end of the last 13 months, and the average of each year."""
    cover = min(1.0, rng.uniform(0.7, 1.1))
    out = {str(year): max(1, round(people * cover)) for year, people in firm.employees.items() if year < as_of.year}
    people = max(1.0, firm.employees[max(firm.employees)] * cover)
    for back in range(13, 0, -1):
        year, month = divmod(as_of.year * 12 + as_of.month - 1 - back, 12)
        if (year, month + 1) >= (firm.founded.year, firm.founded.month):
            out[f"{year}-{month + 1:02d}"] = max(1, round(people * (1 + firm.growth * (7 - back) / 26)))
    return out


def _tax_credit(rng: random.Random, firm: Firm, year: int) -> str:
    """纳税信用管理办法第二十条: no A before three years of business; M (税务总局公告2018年第8号) is for the newly founded."""
    spot = min(1.0, max(0.0, firm.repute + rng.gauss(0, 0.08)))
    age = year - firm.founded.year
    if spot < 0.03:
        return "D"
    if age < 1:
        return "M"
    if spot < 0.12:
        return "C"
    return "A" if age >= 3 and spot > 0.6 else "B"


_CREDIT = {"A+": 0.9, "A": 0.5, "B": 0.15, "C": 0.04, "D": 0.0}


def _standing(rng: random.Random, firm: Firm, records: dict[str, list[dict[str, Any]]], as_of: date) -> dict[str, Any]:
    """Ratings, honours, lists and listing: what stands on the day."""
    day = as_of.isoformat()
    listed = firm.joint_stock and firm.size in ("medium", "large")
    board = rng.choices(tuple(histories.BOARDS), tuple(histories.BOARDS.values()))[0] if listed and rng.random() < 0.6 else "未上市"
    honours = histories.standing(records["certificate"], as_of)
    entered = {row["list"] for row in records["listing"] if row["delisted_on"] is None or row["delisted_on"] > day}
    facts = {
        "public_credit": next(grade for grade, least in _CREDIT.items() if firm.repute >= least),
        "dishonest": firm.repute < 0.02,
        "wage_arrears": firm.repute < 0.04,
        "honours": honours,
        "lists": sorted(entered.intersection(histories.STORES)),
        "stock_listing": board,
    }
    if firm.exports:
        facts["customs_credit"] = (
            "高级认证企业" if histories.AEO.name in honours else "失信企业" if firm.repute < 0.03 else "注册登记和备案企业"
        )
    return facts


def _records(rng: random.Random, firm: Firm, as_of: date) -> dict[str, list[dict[str, Any]]]:
    held = histories.certificates(rng, firm, as_of)
    tables = {
        "certificate": held,
        "listing": histories.listings(rng, firm, as_of),
        "project": histories.projects(rng, firm, as_of),
        "loan": histories.loans(rng, firm, as_of),
        "contract": histories.contracts(rng, firm, as_of),
        "penalty": histories.penalties(rng, firm, as_of),
        "change": histories.changes(rng, firm, as_of),
        "benefit_received": histories.received(rng, firm, held, as_of),
    }
    if (persons := histories.hires(rng, firm, as_of)) is not None:
        tables["insured_person"] = persons
    return tables


def _as_stated(
    rng: random.Random, facts: dict[str, Any], records: dict[str, list[dict[str, Any]]], as_of: date
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """What is left once authorities were silent, facts missing and the newest periods late."""
    registry = load_registry()
    register = registry.facts["founded_on"].authority
    authorities = {fact.authority for fact in registry.facts.values()} | {kind.authority for kind in registry.kinds.values()}
    silent = {authority for authority in sorted(authorities - {register}) if rng.random() < SILENT}
    stated = {}
    for fact, value in facts.items():
        if fact not in ALWAYS and (registry.facts[fact].authority in silent or rng.random() < UNSTATED):
            continue
        if isinstance(value, dict) and len(value) > 1 and rng.random() < LATE:
            del value[max(value)]
        if value != {}:
            stated[fact] = value
    tables = {kind: rows for kind, rows in records.items() if registry.kinds[kind].authority not in silent and not rng.random() < UNSTATED}
    return stated, tables
