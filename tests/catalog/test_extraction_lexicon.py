"""The grammar's words are data about the language: they name no place, no issuer and no document."""

import re
from pathlib import Path

import pytest

from contracts.registry import load_registry
from services.catalog import domain
from services.catalog.domain import attributes, bounds, offers

PROVINCES = re.findall(
    r"\w+",
    "北京 天津 河北 山西 内蒙古 辽宁 吉林 黑龙江 上海 江苏 浙江 安徽 福建 江西 山东 河南 湖北 湖南 广东 广西 海南 重庆 四川 贵州 云南 西藏"
    " 陕西 甘肃 青海 宁夏 新疆",
)


def sources() -> list[tuple[str, str]]:
    """Every file of the domain but those that cite the working rules, whose province is their name."""
    files = sorted(Path(str(domain.__file__)).parent.glob("*.py"))
    return [(path.stem, path.read_text("utf-8")) for path in files if path.stem not in ("readiness", "working_rules")]


def places() -> list[str]:
    codes = load_registry().codes
    deployed = {name for table in ("district", "park") for wordings in codes[table].values() for name in wordings}
    generic = {"全市", "本市", "自贸区", "软件园"}
    return [name for name in (*PROVINCES, *deployed) if name not in generic and len(name) > 1]


@pytest.mark.parametrize(("name", "source"), sources())
def test_no_word_of_the_grammar_is_a_place(name: str, source: str) -> None:
    # A stock exchange is a market, not a place.
    without_markets = re.sub("北交所|上交所|深交所|沪深北?|香港联交所|港交所|北京证券交易所", "", source)
    assert [place for place in places() if place in without_markets] == []


@pytest.mark.shared
@pytest.mark.parametrize(("name", "source"), sources())
def test_no_word_of_the_grammar_is_the_name_of_a_document_or_its_issuer(name: str, source: str, shared: Path) -> None:
    titles = set()
    for file in sorted([*(shared / "documents").glob("*.txt"), *(shared / "benefits" / "documents").glob("*.txt")]):
        text = re.sub(r"\s", "", file.read_text("utf-8"))
        titles |= set(re.findall(r"《([^《》]{6,40})》", text))
        titles |= set(re.findall(r"[“]([^“”]{4,20})[”]", text))
    known = {"揭榜挂帅"}
    named = [title for title in titles if title in source and title not in known and len(title) > 5]
    assert named == []


def test_every_wording_compiles_and_says_its_value() -> None:
    for row in attributes.SAID:
        assert "v" in re.compile(row.wording).groupindex, row
    for measured in attributes.MEASURED:
        re.compile(measured.subject)
    for group in offers.GROUPS:
        re.compile(group.wording)


def test_every_fact_the_mapping_names_is_in_the_registry() -> None:
    registry = load_registry()
    named = {fact for fact, _ in bounds.FIGURES.values()} | {row[1] for row in bounds.SHARES} | {row[3] for row in bounds.SHARES}
    assert named <= set(registry.facts)
    assert set(bounds.PROJECT_FIELDS.values()) <= set(registry.kinds["project"].fields)
