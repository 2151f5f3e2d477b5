"""What happened to a synthetic firm: certificates and the honours that stand, lists, projects, loans, contracts, hires, penalties, changes.

Rows have the fields of the registry's record kinds. A row agrees with the firm's figures: research certificates need research, a loan
follows turnover, an honour stands exactly while one of its certificates does.
"""

import random
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

from deploy.firms import Firm

Row = dict[str, Any]
SECTORS_IN_INDUSTRY = frozenset({"electronics", "chips", "machinery", "materials", "pharma", "consumer", "food"})


class Honour(NamedTuple):
    """A recognition: who gives it, for how many years (None: without end), in which months it is given."""

    name: str
    level: str
    years: int | None
    months: tuple[int, int]


HIGH_TECH = Honour("高新技术企业", "国家级", 3, (10, 12))
TECH_SMALL = Honour("科技型中小企业", "国家级", 1, (3, 10))
INNOVATIVE = Honour("创新型中小企业", "省级", 3, (4, 10))
SPECIALISED = Honour("专精特新中小企业", "省级", 3, (4, 9))
LITTLE_GIANT = Honour("专精特新“小巨人”", "国家级", 3, (7, 10))
CHAMPION = Honour("制造业单项冠军", "国家级", 3, (3, 11))
TECH_CENTRE = Honour("企业技术中心", "市级", None, (6, 11))
GREEN_FACTORY = Honour("绿色工厂", "国家级", None, (1, 12))
AEO = Honour("AEO高级认证", "国家级", None, (1, 12))

STORES = ("高新技术企业培育库", "专精特新“小巨人”培育库", "小升规培育库", "倍增计划", "上市后备企业", "重点外贸企业")
BOARDS = {"上交所主板": 1, "深交所主板": 1, "科创板": 1, "创业板": 1, "北交所": 4, "新三板": 5}  # with the odds of each
_LENDINGS = ("流动资金贷款", "信用贷款", "知识产权质押贷款", "固定资产贷款")
_PROJECTS = ("技改", "设备更新", "智能化改造", "新建")
_CONTRACTS = ("技术开发", "技术转让", "配套采购", "政府采购")
_HIRED_AS = ("在职", "毕业年度高校毕业生", "离校未就业", "登记失业", "就业困难人员", "退役军人")
_PENALTY_FIELDS = ("市场监管", "税务", "环境保护", "安全生产", "劳动保障")


def certificates(rng: random.Random, firm: Firm, as_of: date) -> list[Row]:
    """Every recognition the firm was ever given, renewals included, oldest first."""
    age, small = firm.age(as_of), firm.size != "large"
    revenue = max(firm.revenue.values(), default=0)
    industrial = firm.sector in SECTORS_IN_INDUSTRY
    # 高新技术企业认定管理办法（国科发火〔2016〕32号）第十一条: a year old, and the share of research by size of sales.
    needed = 0.05 if revenue <= 50_000_000 else 0.04 if revenue <= 200_000_000 else 0.03
    high_tech = age >= 1.5 and firm.rd >= needed and firm.repute > 0.08 and rng.random() < 0.75
    specialised = age >= 2.5 and small and firm.rd >= 0.03 and revenue >= 6_000_000 and rng.random() < 0.6
    wanted: list[tuple[Honour, bool]] = [
        (HIGH_TECH, high_tech),
        (TECH_SMALL, small and firm.rd > 0.02 and rng.random() < 0.5),
        (INNOVATIVE, specialised or (small and firm.rd > 0.02 and age > 1 and rng.random() < 0.25)),
        (SPECIALISED, specialised),
        (LITTLE_GIANT, specialised and age >= 4 and revenue >= 15_000_000 and rng.random() < 0.5),
        (CHAMPION, industrial and revenue >= 300_000_000 and rng.random() < 0.25),
        (TECH_CENTRE, industrial and firm.rd > 0.015 and firm.size in ("medium", "large") and rng.random() < 0.35),
        (GREEN_FACTORY, industrial and firm.size in ("medium", "large") and rng.random() < 0.1),
        (AEO, firm.exports > 0.1 and revenue >= 30_000_000 and firm.repute > 0.4 and rng.random() < 0.35),
    ]
    rows = [row for honour, has in wanted if has for row in _recognised(rng, honour, firm, as_of)]
    return _numbered("certificate", sorted(rows, key=lambda row: str(row["awarded_on"])))


def _recognised(rng: random.Random, honour: Honour, firm: Firm, as_of: date) -> Iterable[Row]:
    """The first award and its renewals up to the day; four in five are renewed when they run out."""
    earliest = max(firm.founded.year + 1, as_of.year - 7)
    # The later of two draws: most schemes grow.
    year = max(rng.randint(min(earliest, as_of.year), as_of.year), rng.randint(min(earliest, as_of.year), as_of.year))
    first = True
    while year <= as_of.year:
        awarded = date(year, rng.randint(*honour.months), rng.randint(1, 28))
        if awarded > as_of or awarded <= firm.founded:
            return
        expires = None if honour.years is None else date(year + honour.years, awarded.month, awarded.day) - timedelta(days=1)
        if honour is TECH_SMALL:
            expires = date(year, 12, 31)  # entered in the list of one calendar year
        yield {"name": honour.name, "level": honour.level, "awarded_on": awarded.isoformat(), "expires_on": _day(expires), "first": first}
        if honour.years is None or rng.random() < 0.2:
            return
        year, first = year + honour.years, False


def standing(rows: list[Row], as_of: date) -> list[str]:
    """The honours that hold on the day: given, and not yet run out."""
    day = as_of.isoformat()
    return sorted({row["name"] for row in rows if row["awarded_on"] <= day and (row["expires_on"] is None or row["expires_on"] >= day)})


def listings(rng: random.Random, firm: Firm, as_of: date) -> list[Row]:
    """Entries in the statistics office's lists and in official stores; who shrank below scale was taken off the list of those above it."""
    rows: list[Row] = []
    above = sorted(year for year, revenue in firm.revenue.items() if revenue >= firm.above_from)
    if above and firm.legal_form != "individual":
        kind = "规上工业" if firm.sector in SECTORS_IN_INDUSTRY else _ABOVE_SCALE.get(firm.sector, "规上服务业")
        gone = date(above[-1] + 2, 1, 15) if above[-1] < as_of.year - 1 else None
        rows.append(_listed(kind, date(above[0] + 1, rng.randint(1, 3), 15), None if gone and gone > as_of else gone))
    odds = (
        0.2 if 0.02 < firm.rd < 0.05 else 0.0,
        0.25 if firm.rd > 0.025 and firm.size in ("small", "medium") else 0.0,
        0.3 if not above and firm.size == "small" else 0.0,
        0.5 if firm.growth > 0.3 else 0.0,
        0.4 if firm.joint_stock else 0.0,
        0.4 if firm.exports > 0.2 and firm.size in ("medium", "large") else 0.0,
    )
    rows += [
        _listed(store, _past_day(rng, firm, as_of, years=3), None)
        for store, likely in zip(STORES, odds, strict=True)
        if rng.random() < likely
    ]
    return _numbered("listing", [row for row in rows if row["listed_on"] <= as_of.isoformat()])


_ABOVE_SCALE = {"software": "规上软件业", "wholesale": "限上", "retail": "限上", "catering": "限上"}


def _listed(name: str, on: date, off: date | None) -> Row:
    return {"list": name, "listed_on": on.isoformat(), "delisted_on": _day(off)}


def projects(rng: random.Random, firm: Firm, as_of: date) -> list[Row]:
    """Investment projects of the last three years, mostly in industry."""
    rows = []
    likely = 0.35 if firm.sector in SECTORS_IN_INDUSTRY else 0.05
    for _ in range(2 if rng.random() < likely * 0.3 else rng.random() < likely):
        started = _past_day(rng, firm, as_of, years=3)
        finished = started + timedelta(days=rng.randint(90, 700))
        total = round(max(firm.revenue.values(), default=500_000) * rng.uniform(0.03, 0.4) / 10_000) * 10_000
        done = 1.0 if finished <= as_of else (as_of - started) / (finished - started)
        rows.append(
            {
                "kind": rng.choice(_PROJECTS),
                "total": total,
                "invested": round(total * done),
                "equipment": round(total * done * rng.uniform(0.5, 0.9)),
                "started_on": started.isoformat(),
                "completed_on": finished.isoformat() if finished <= as_of else None,
                "grade": rng.choice(("市级", "市级", "省级")),
            }
        )
    return _numbered("project", rows)


def loans(rng: random.Random, firm: Firm, as_of: date) -> list[Row]:
    """Bank loans of the last two years with the interest paid so far; `rate` as a fraction a year."""
    rows = []
    for _ in range(rng.choices((0, 1, 2), (0.6, 0.28, 0.12))[0]):
        drawn = _past_day(rng, firm, as_of, years=2)
        due = drawn + timedelta(days=rng.choice((180, 365, 365, 730, 1095)))
        repaid = due if due <= as_of else None
        rate = rng.choice((0.03, 0.0315, 0.0345, 0.0365, 0.039, 0.0435))
        principal = max(50_000, round(max(firm.revenue.values(), default=300_000) * rng.uniform(0.02, 0.25) / 10_000) * 10_000)
        days = (min(as_of, due) - drawn).days
        rows.append(
            {
                "kind": rng.choice(_LENDINGS),
                "principal": principal,
                "interest": round(principal * rate * days / 360),
                "rate": rate,
                "drawn_on": drawn.isoformat(),
                "due_on": due.isoformat(),
                "repaid_on": _day(repaid),
                "term_months": (due - drawn).days // 30,
            }
        )
    return _numbered("loan", rows)


def contracts(rng: random.Random, firm: Firm, as_of: date) -> list[Row]:
    """Contracts registered with an authority: technology contracts of research firms, purchases of some others."""
    kinds = _CONTRACTS if firm.rd else _CONTRACTS[2:]
    some = rng.choices((0, 1, 3), (0.5, 0.35, 0.15) if firm.rd else (0.9, 0.08, 0.02))[0]
    return _numbered(
        "contract",
        [
            {
                "kind": rng.choice(kinds),
                "amount": round(max(firm.revenue.values(), default=200_000) * rng.uniform(0.005, 0.1)),
                "signed_on": _past_day(rng, firm, as_of, years=2).isoformat(),
                "related": rng.random() < 0.08,
                "place": rng.choice((firm.district, firm.elsewhere)),
            }
            for _ in range(some)
        ],
    )


def hires(rng: random.Random, firm: Firm, as_of: date) -> list[Row] | None:
    """Persons newly insured within the last two years; None, not stated, for staffs of 60 and more, whose persons stay counts."""
    staff = max(firm.employees.values())
    if staff >= 60:
        return None
    rows = []
    for _ in range(min(9, round(staff * rng.uniform(0.05, 0.35)))):
        hired = _past_day(rng, firm, as_of, years=2)
        status = rng.choices(_HIRED_AS, (60, 14, 6, 9, 6, 5))[0]
        graduate = status in ("毕业年度高校毕业生", "离校未就业")
        born = hired.year - (rng.randint(21, 26) if graduate else rng.randint(20, 55))
        graduated = date(hired.year - (status == "离校未就业"), 6, 30) if graduate else None
        rows.append(
            {
                "born_on": date(born, rng.randint(1, 12), rng.randint(1, 28)).isoformat(),
                "hired_on": hired.isoformat(),
                "graduated_on": _day(graduated),
                "status": status,
                "place": rng.choice((firm.district, firm.district, firm.elsewhere)),
                "months": (as_of - hired).days // 30,
                "contract_months": rng.choice((12, 24, 36)),
                "insured_now": rng.random() < 0.95,
            }
        )
    return _numbered("insured_person", rows)


def penalties(rng: random.Random, firm: Firm, as_of: date) -> list[Row]:
    """Administrative penalties of the last five years; the worse the repute the likelier."""
    some = rng.choices((0, 1, 2), (0.97, 0.025, 0.005) if firm.repute > 0.15 else (0.5, 0.35, 0.15))[0]
    rows = []
    for _ in range(some):
        amount = round(rng.lognormvariate(9.2, 1.4) / 100) * 100
        rows.append(
            {
                "field": rng.choice(_PENALTY_FIELDS),
                "amount": amount,
                "decided_on": _past_day(rng, firm, as_of, years=5).isoformat(),
                "serious": amount >= 100_000,
            }
        )
    return _numbered("penalty", rows)


def changes(rng: random.Random, firm: Firm, as_of: date) -> list[Row]:
    """Entries in the register since it was founded: renames, moves into the city, more capital."""
    rows: list[Row] = []
    if rng.random() < 0.06:
        rows.append({"kind": "名称", "from": firm.name.replace("（合成）", "原名（合成）"), "to": firm.name, "place": firm.district})
    if rng.random() < 0.04:
        rows.append(
            {"kind": "迁入", "from": rng.choice(("350500", "350600", "310000", "440300")), "to": firm.district, "place": firm.district}
        )
    for row in rows:
        row["changed_on"] = _past_day(rng, firm, as_of, years=4).isoformat()
    return _numbered("change", rows)


def received(rng: random.Random, firm: Firm, held: list[Row], as_of: date) -> list[Row]:
    """What the city's ledger says was already paid: part of the recognitions of earlier years."""
    rows = []
    for row in held:
        if row["first"] and row["name"] in (HIGH_TECH.name, SPECIALISED.name, LITTLE_GIANT.name) and rng.random() < 0.6:
            claimed = date.fromisoformat(row["awarded_on"]) + timedelta(days=rng.randint(60, 200))
            paid = claimed + timedelta(days=rng.randint(30, 240))
            if paid <= as_of:
                rows.append(
                    {
                        "policy": "既往惠企政策（合成）",
                        "benefit": f"{row['name']}认定奖励",
                        "item": row["name"],
                        "claimed_on": claimed.isoformat(),
                        "paid_on": paid.isoformat(),
                        "amount": rng.choice((100_000, 200_000, 300_000, 500_000)),
                        "level": rng.choice(("市级", "区级")),
                    }
                )
    return _numbered("benefit_received", rows)


def _past_day(rng: random.Random, firm: Firm, as_of: date, *, years: int) -> date:
    """A day of the last years on which the firm existed."""
    return as_of - timedelta(days=rng.randint(0, max(0, min(years * 365, (as_of - firm.founded).days - 1))))


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _numbered(kind: str, rows: list[Row]) -> list[Row]:
    return [{"id": f"{kind}-{n}", **row} for n, row in enumerate(rows, 1)]
