"""The firms of the synthetic city: who they are, how large and how fast growing, before anyone states a fact about them.

Everything follows from the random generator that is passed in and from the odds in city.toml; size classes are not drawn but computed
from staff and revenue, so they never contradict them.
"""

import math
import random
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

from contracts.uscc import ALPHABET, check_character

_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714-1997
_SERIALS = len(ALPHABET) ** 6
_STRIDE = 393_241_067  # coprime to the number of serials (31 does not divide it), so n ↦ n·stride visits each serial once
_CATEGORY = {"individual": "2", "cooperative": "3"}  # GB 32100-2015, table 1; all else is 1, an enterprise
_SYLLABLES = "安宝诚德鼎丰冠海恒宏华汇佳建金锦景凯康立隆鹭铭宁鹏启庆荣瑞晟盛泰腾通万祥鑫信旭益盈永宇源远悦泽正中卓"
YEARS_KNOWN = 5


@dataclass(frozen=True, slots=True)
class Firm:
    """One synthetic enterprise; money in whole yuan, shares as fractions of revenue, yearly figures by calendar year."""

    uscc: str
    name: str
    founded: date
    district: str
    elsewhere: str  # another district of the city, where some of its dealings are
    park: str | None
    sector: str
    industry: str
    legal_form: str
    joint_stock: bool
    ownership: str
    taiwan: bool
    size: str
    revenue: dict[int, int]
    employees: dict[int, int]
    growth: float  # expected from the last full year to this one
    margin: float
    rd: float
    exports: float
    repute: float  # 0 worst, 1 best: late returns, penalties and ratings hang on it
    above_from: int  # yearly revenue from which the firm reports to the statistics office (规上/限上)

    def age(self, day: date) -> float:
        """Years since it was founded."""
        return (day - self.founded).days / 365.25


@cache
def tables() -> dict[str, Any]:
    """The odds and code lists of city.toml."""
    return tomllib.loads(resources.files("deploy").joinpath("city.toml").read_text("utf-8"))


def uscc(*, division: str, serial: int, category: str = "1") -> str:
    """A unified social credit code with both check characters right (GB 32100-2015, GB 11714-1997).

    The organisation code begins with Y and a digit of the serial, a series chosen to keep clear of real ones. Raises ValueError
    where the division has not six digits or the serial is out of range.
    """
    if len(division) != 6 or not division.isdigit() or not 0 <= serial < _SERIALS * 10:
        raise ValueError(f"no USCC for division {division!r} and serial {serial}: six digits and 0 ≤ serial < {_SERIALS * 10} are needed")
    series, rest = divmod(serial, _SERIALS)
    tail = ""
    for _ in range(6):
        rest, digit = divmod(rest, len(ALPHABET))
        tail = ALPHABET[digit] + tail
    body = f"Y{series}{tail}"
    # GB 11714 gives letters their place in the plain alphabet (A = 10); GB 32100 counts in its own.
    left = 11 - sum(int(c, 36) * w for c, w in zip(body, _ORGANISATION_WEIGHTS, strict=True)) % 11
    code = f"9{category}{division}{body}{'X' if left == 10 else left % 11}"
    return code + check_character(code)


def firms(rng: random.Random, *, as_of: date, city: str) -> Iterator[Firm]:
    """Firms without end, no two with one USCC. Raises ValueError for a city that city.toml does not know."""
    if city not in tables()["cities"]:
        raise ValueError(f"no tables for city {city}; deploy/city.toml knows {', '.join(tables()['cities'])}")
    place, sectors = tables()["cities"][city], tables()["sectors"]
    names = tuple(sectors)
    odds = [[sectors[s]["weight"] * d["favours"].get(s, 1.0) for s in names] for d in place["districts"]]
    weights = [d["weight"] for d in place["districts"]]
    indices = range(len(weights))
    serial = rng.randrange(_SERIALS)
    while True:
        at = rng.choices(indices, weights)[0]
        sector = rng.choices(names, odds[at])[0]
        serial = (serial + _STRIDE) % _SERIALS
        yield _firm(rng, as_of=as_of, place=place, district=place["districts"][at], sector=sector, serial=serial)


def _firm(rng: random.Random, *, as_of: date, place: dict[str, Any], district: dict[str, Any], sector: str, serial: int) -> Firm:
    kind = tables()["sectors"][sector]
    limits = tables()["limits"][kind["limits"]]
    last = as_of.year - 1
    target = rng.choices(range(4), tables()["sizes"]["industry" if kind["limits"] == "industry" else "other"])[0]
    employees, revenue = _staff_and_revenue(rng, limits, target)
    years = min(40.0, rng.expovariate(1 / (5 + 3 * target)) + 0.1 + 1.5 * target)
    founded = as_of - timedelta(days=int(years * 365.25))
    growth = max(-0.5, rng.gauss(0.06, 0.12) + (rng.uniform(0.3, 0.9) if rng.random() < 0.06 else 0.0))
    by_year, staff = _past(rng, founded=founded, last=last, revenue=revenue, employees=employees, growth=growth)
    legal_form = _legal_form(rng, sector, target)
    joint_stock = legal_form == "company" and rng.random() < (0.0, 0.03, 0.18, 0.45)[target]
    ownership = _ownership(rng, target, exporting=kind["export"][0] > 0.3)
    size = _size(limits, staff.get(last, employees), by_year.get(last, revenue))
    industry = rng.choice(tuple(kind["classes"]))
    name = f"{place['name']}{''.join(rng.sample(_SYLLABLES, rng.choice((2, 2, 3))))}{kind['classes'][industry]}"
    return Firm(
        uscc=uscc(division=district["code"], serial=serial, category=_CATEGORY.get(legal_form, "1")),
        name=f"{name}{'股份有限公司' if joint_stock else _NAME_ENDS[legal_form]}（合成）",
        founded=founded,
        district=district["code"],
        elsewhere=rng.choice(place["districts"])["code"],
        park=rng.choice(district["parks"]) if district["parks"] and rng.random() < 0.35 else None,
        sector=sector,
        industry=industry,
        legal_form=legal_form,
        joint_stock=joint_stock,
        ownership=ownership,
        taiwan=ownership == "hmt" and rng.random() < 0.65,
        size=size,
        revenue=by_year,
        employees=staff or {last + 1: employees},
        growth=growth,
        margin=rng.gauss(kind["margin"], 0.06),
        rd=_share(rng, kind["rd"], damp=(0.45, 0.9, 1.2, 1.3)[target]),
        exports=min(0.95, _share(rng, kind["export"], damp=(0.5, 0.9, 1.3, 1.5)[target])),
        repute=rng.random(),
        above_from=limits["above"],
    )


_NAME_ENDS = {
    "company": "有限公司",
    "individual": "商行",
    "cooperative": "专业合作社",
    "partnership": "中心（有限合伙）",
    "sole_proprietorship": "工作室",
}


def _staff_and_revenue(rng: random.Random, limits: dict[str, Any], target: int) -> tuple[int, int]:
    """Both drawn from the range of the size aimed at, large staff with large revenue; where one has no limit it follows from the other."""
    spot = rng.random()
    near = min(1.0, max(0.0, spot + rng.gauss(0, 0.15)))
    per_head = tables()["sizes"]["per_head"] * rng.lognormvariate(0, 0.5)
    people = _within(limits["employees"], target, spot, least=1) if limits["employees"][0] else 0
    revenue = _within(limits["revenue"], target, near, least=150_000) if limits["revenue"][0] else 0
    return round(people or max(1, revenue / per_head / 3)), round(revenue or people * per_head)


def _within(lower: Sequence[int], target: int, spot: float, *, least: int) -> float:
    bounds = (least, *lower, lower[-1] * 6)
    return bounds[target] * math.pow(bounds[target + 1] / bounds[target], spot)


def _past(
    rng: random.Random, *, founded: date, last: int, revenue: int, employees: int, growth: float
) -> tuple[dict[int, int], dict[int, int]]:
    """Yearly revenue and staff from the last full year back; the year of founding is a part of one."""
    by_year, staff = {}, {}
    for year in range(last, max(founded.year, last - YEARS_KNOWN + 1) - 1, -1):
        part = 1.0 if year > founded.year else (date(year, 12, 31) - founded).days / 365
        by_year[year] = round(revenue * part)
        staff[year] = max(1, employees)
        step = max(0.4, 1 + growth + rng.gauss(0, 0.12))
        revenue, employees = round(revenue / step), round(employees / math.sqrt(step))
    return by_year, staff


def _size(limits: dict[str, Any], employees: int, revenue: int) -> str:
    """The largest class whose limits are both reached (国统字〔2017〕213号, 说明 1)."""
    reached = [e <= employees and r <= revenue for e, r in zip(limits["employees"], limits["revenue"], strict=True)]
    return ("micro", "small", "medium", "large")[reached.index(False) if False in reached else 3]


def _legal_form(rng: random.Random, sector: str, target: int) -> str:
    if target == 0 and sector in ("retail", "catering", "farming") and rng.random() < 0.4:
        return "cooperative" if sector == "farming" else "individual"
    return rng.choices(("company", "partnership", "sole_proprietorship"), (0.94, 0.03, 0.03))[0]


def _ownership(rng: random.Random, target: int, *, exporting: bool) -> str:
    outside = (0.02, 0.05, 0.1, 0.14)[target] * (1.8 if exporting else 0.7)
    state = (0.005, 0.03, 0.08, 0.15)[target]
    kinds = ("private", "hmt", "foreign", "state", "state_controlled")
    return rng.choices(kinds, (1 - 2.2 * outside - 1.5 * state, 1.5 * outside, 0.7 * outside, state, 0.5 * state))[0]


def _share(rng: random.Random, odds: Sequence[float], *, damp: float) -> float:
    return odds[1] * rng.lognormvariate(0, 0.5) if rng.random() < odds[0] * damp else 0.0
