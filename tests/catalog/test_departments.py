"""Two names are one department or they are not: full names, short ones, the city's own name before them, the districts' offices."""

import pytest

from contracts.registry import load_registry
from services.catalog.domain.departments import Departments

KNOWN = Departments(load_registry())


@pytest.mark.parametrize(
    ("names", "full"),
    [
        ("市工信局", ("市工业和信息化局",)),
        ("厦门市工业和信息化局", ("市工业和信息化局",)),
        ("国家税务总局厦门市税务局", ("市税务局",)),
        ("市场监管局", ("市市场监督管理局",)),
        ("市科技局、厦门市科学技术局；市财政局", ("市科学技术局", "市财政局")),
        ("同安区财政局", ("同安区财政局",)),
        ("厦门市同安区工信局", ("同安区工业和信息化局",)),
        ("福州市财政局", ("福州市财政局",)),
        ("一个谁也不认识的办公室", ("一个谁也不认识的办公室",)),
        ("", ()),
        ("、", ()),
        (None, ()),
        (["市人社局", " 市 人力资源和社会保障局"], ("市人力资源和社会保障局",)),
    ],
)
def test_a_department_is_known_by_all_its_names(names: str | list[str] | None, full: tuple[str, ...]) -> None:
    assert KNOWN.named(names) == full


def test_no_name_stands_for_two_departments_and_a_full_name_is_its_own() -> None:
    registry = load_registry()
    others = [other for names in registry.departments.values() for other in names]
    assert len(set(others)) == len(others)
    assert not set(others) & registry.departments.keys()
    for full, names in registry.departments.items():
        assert {KNOWN.named(name) for name in (full, *names)} == {(full,)}
