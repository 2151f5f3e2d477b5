"""A table of facts is checked whole: its good rows count as the same lines would, every other row is refused with its reason."""

import io
import json
import random
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.registry import load_registry
from services.chassis.app import create_app
from services.chassis.database import dumps, loads
from services.ingest import api
from services.ingest.api import deliveries as deliveries_api
from services.ingest.domain.statements import check
from services.ingest.main import SUBSCRIPTIONS
from services.ingest.sandbox.xlsx import rows_of
from services.ingest.sources.deliveries import BadTable, check_table
from services.ingest.store import Store
from tests.running import Running, running, settings
from tests.service_room import uscc

TODAY = date(2026, 6, 30)


@pytest.fixture
async def ingest(database: str) -> AsyncIterator[Running]:
    app = create_app("ingest", store=Store, subscriptions=SUBSCRIPTIONS, routers=[api.router], settings=settings(database))
    async with running(app) as service:
        yield service


def unpacked(packed: bytes) -> list[dict[str, Any]]:
    with pa.CompressedInputStream(io.BytesIO(packed), "zstd") as stream:
        return [loads(line) for line in stream.read().splitlines()]


def lines_of(data: bytes, folder: Path, *, authority: str = "税务", kind: str | None = None) -> tuple[list[dict[str, Any]], list[Any], int]:
    """The good lines of a table, its faults, and how many rows were refused."""
    source, target = folder / "given", folder / "checked"
    source.write_bytes(data)
    found = check_table(source, target, load_registry(), sheet=rows_of, authority=authority, kind=kind)
    packed = target.read_bytes()
    assert sha256(packed).hexdigest() == found.sha256
    lines = unpacked(packed)
    return lines, list(found.faults), found.refused


def test_what_is_wrong_is_told_by_row_and_column_and_its_neighbours_count(tmp_path: Path) -> None:
    table = "\n".join(
        [
            "uscc,name,revenue@2024,revenue@2025,taxpayer_type",
            f"{uscc(1)},甲有限公司,26000000,1.50,general",
            f"{uscc(2)[:17]}0,乙,1,1,general" if not uscc(2).endswith("0") else f"{uscc(2)[:17]}1,乙,1,1,general",
            f"{uscc(3)},丙,-5,,",
            f'{uscc(4)},丁,"1,000",,',
            f"{uscc(5)},,,2,",
            f"{uscc(1)},甲,1,1,",
            f"{uscc(6)},己,,,",
            f"{uscc(7)},庚,12345678901234567.890123456789,007,",
        ]
    )
    lines, faults, refused = lines_of(table.encode(), tmp_path)
    assert lines == [
        {
            "uscc": uscc(1),
            "facts": {"revenue": {"2024": 26000000, "2025": Decimal("1.50")}, "taxpayer_type": "general"},
            "name": "甲有限公司",
        },
        {"uscc": uscc(5), "facts": {"revenue": {"2025": 2}}},
        {"uscc": uscc(7), "facts": {"revenue": {"2024": Decimal("12345678901234567.890123456789"), "2025": 7}}, "name": "庚"},
    ]
    assert refused == 5
    assert {fault.at: fault.code for fault in faults} == {
        "row 3 uscc": "invalid-uscc",
        "row 4 revenue@2024": "invalid-request",
        "row 5 revenue@2024": "invalid-request",
        "row 7": "invalid-request",
        "row 8": "invalid-request",
    }
    assert all(fault.problem and fault.hint for fault in faults)


@pytest.mark.parametrize(
    ("head", "codes"),
    [
        ("uscc,founded_on", {"wrong-authority"}),
        ("uscc,营业收入@2025", {"unknown-fact"}),
        ("uscc,revenue", {"invalid-request"}),
        ("uscc,revenue@2025年", {"invalid-request"}),
        ("uscc,taxpayer_type@2025", {"invalid-request"}),
        ("revenue@2025", {"invalid-uscc"}),
        ("uscc,revenue@2025,revenue@2025", {"invalid-request"}),
        ("uscc,name", {"invalid-request"}),
    ],
)
def test_a_wrong_head_refuses_the_table(head: str, codes: set[str], tmp_path: Path) -> None:
    with pytest.raises(BadTable) as refused:
        lines_of(f"{head}\n{uscc(1)},1,1\n".encode(), tmp_path)
    assert {fault.code for fault in refused.value.faults} == codes


def test_a_row_with_too_few_cells_refuses_the_table_and_repeats_no_cell(tmp_path: Path) -> None:
    with pytest.raises(BadTable) as refused:
        lines_of(f"uscc,revenue@2025,tax_paid@2025\n{uscc(1)},1,2\n{uscc(2)},3\n".encode(), tmp_path)
    (fault,) = refused.value.faults
    assert fault.code == "unreadable"
    assert uscc(2) not in str(fault)


def test_the_same_table_says_the_same_in_every_form(tmp_path: Path) -> None:
    rows = [
        {"uscc": uscc(1), "revenue@2025": 26000000.25, "taxpayer_type": "general", "name": '带"引号\n的名字'},
        {"uscc": uscc(2), "revenue@2025": None, "taxpayer_type": "small_scale", "name": None},
    ]
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append([None if value is None else value for value in row.values()])
    workbook, parquet, text = io.BytesIO(), io.BytesIO(), io.StringIO()
    book.save(workbook)
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    text.write(",".join(rows[0]) + "\n")
    for row in rows:
        text.write(",".join("" if v is None else '"' + str(v).replace('"', '""') + '"' for v in row.values()) + "\n")
    wanted = [
        {"uscc": uscc(1), "facts": {"revenue": {"2025": Decimal("26000000.25")}, "taxpayer_type": "general"}, "name": '带"引号\n的名字'},
        {"uscc": uscc(2), "facts": {"taxpayer_type": "small_scale"}},
    ]
    for data in (parquet.getvalue(), text.getvalue().encode(), text.getvalue().encode("gb18030"), text.getvalue().encode("utf-8-sig")):
        assert lines_of(data, tmp_path) == (wanted, [], 0)
    wanted[0]["name"] = '带"引号 的名字'  # a workbook's cell is read as one line
    assert lines_of(workbook.getvalue(), tmp_path) == (wanted, [], 0)


def test_days_flags_sets_and_codes_come_as_their_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "uscc": [uscc(1), uscc(2)],
            "founded_on": [date(2020, 2, 29), None],
            "abnormal": [False, True],
            "registered_capital": [Decimal("1.10"), None],
        }
    )
    parquet = io.BytesIO()
    pq.write_table(table, parquet)
    lines, faults, _ = lines_of(parquet.getvalue(), tmp_path, authority="市场监管")
    assert (lines[0]["facts"], faults) == ({"founded_on": "2020-02-29", "abnormal": False, "registered_capital": Decimal("1.10")}, [])
    text = f'uscc,honours\n{uscc(1)},"[""高新技术企业""]"\n{uscc(2)},[]\n{uscc(3)},高新技术企业\n'
    lines, faults, _ = lines_of(text.encode(), tmp_path, authority="工信")
    assert [line["facts"]["honours"] for line in lines] == [["高新技术企业"], []]
    assert [fault.at for fault in faults] == ["row 4 honours"]


def test_the_rows_of_an_enterprises_records_are_good_together_or_not_at_all(tmp_path: Path) -> None:
    head = "uscc,id,name,awarded_on,first"
    rows = [
        f"{uscc(1)},c1,高新技术企业,2024-01-01,是",
        f"{uscc(2)},c1,高新技术企业,2024-02-30,是",
        f"{uscc(1)},c2,专精特新中小企业,,",
        f"{uscc(2)},c2,专精特新中小企业,2024-01-01,",
        f"{uscc(3)},c1,甲,2024-01-01,",
        f"{uscc(3)},c1,乙,2024-01-01,",
    ]
    lines, faults, refused = lines_of("\n".join([head, *rows]).encode(), tmp_path, authority="工信", kind="certificate")
    first = {"id": "c1", "name": "高新技术企业", "awarded_on": "2024-01-01", "first": True}
    assert lines == [{"uscc": uscc(1), "facts": {}, "records": {"certificate": [first, {"id": "c2", "name": "专精特新中小企业"}]}}]
    assert refused == 4
    assert {fault.at for fault in faults} == {"row 3 awarded_on", "row 5", "row 7 id", "row 6"}


CELLS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(min_value=0, max_value=10**15, places=2).map(str),
    st.integers(-5, 10**19).map(str),
    st.text(st.characters(codec="utf-8", exclude_characters='\r\n",\x00'), max_size=8),
    st.sampled_from(["", " ", "1e3", "01", ".5", "5.", "+1", "１２", "1_000", "-0", "0.0000000000001", "general", "true"]),
)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_a_cell_that_counts_is_one_that_the_same_line_could_say(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]
) -> None:
    table = "uscc,revenue@2025,taxpayer_type\n" + "".join(f'{uscc(n)},"{a}","{b}"\n' for n, (a, b) in enumerate(cells))
    lines, faults, refused = lines_of(table.encode(), tmp_path_factory.mktemp("table"))
    assert len(lines) + refused == len(cells)
    assert len({fault.at.split()[1] for fault in faults}) == refused
    said = "\n".join(dumps(line) for line in lines)
    again = check(said.encode(), load_registry(), authority="税务", today=TODAY, line_limit=10)
    assert again.faults == ()
    for line in lines:
        written = cells[next(n for n in range(len(cells)) if uscc(n) == line["uscc"])]
        revenue = line["facts"].get("revenue")
        assert revenue is None or revenue["2025"] == Decimal(written[0].strip())
        assert line["facts"].get("taxpayer_type", "") == written[1].strip()


def city(rows: int) -> bytes:
    rng = random.Random(rows)
    return "".join(["uscc,revenue@2025\n", *(f"{uscc(n)},{rng.randrange(10**8)}\n" for n in range(rows))]).encode()


async def test_a_few_rows_are_said_one_by_one_and_many_as_one_file(ingest: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries_api, "BULK", 20)
    tax = await ingest.client("authority", "tax", "facts:write", "facts:read", department="税务")
    few = await tax.post("/v1/deliveries?true_on=2026-01-31", content=city(20), headers={"content-type": "text/csv"})
    assert (few.status_code, few.json()["accepted"]) == (200, 20)
    assert {name for name, _ in await ingest.said()} == {"FactsStated"}
    assert {body["true_on"] for _, body in await ingest.said()} == {"2026-01-31"}

    headers = {"content-type": "text/csv", "idempotency-key": "one"}
    many = await tax.post("/v1/deliveries?true_on=2026-01-31", content=city(21) + b"91,1\n", headers=headers)
    assert (many.json()["accepted"], many.json()["refused"]) == (21, 1)
    again = await tax.post("/v1/deliveries?true_on=2026-01-31", content=city(21) + b"91,1\n", headers=headers)
    assert again.json() == many.json()
    other = await tax.post("/v1/deliveries?true_on=2026-01-31", content=city(21), headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    (delivered,) = [body for name, body in await ingest.said() if name == "FactsDelivered"]
    delivery = many.json()["delivery"]
    assert delivered == {
        "delivery": delivery,
        "authority": "税务",
        "address": f"/v1/deliveries/{delivery}/file",
        "sha256": delivered["sha256"],
        "rows": 21,
        "true_on": "2026-01-31",
    }
    file = await tax.get(delivered["address"])
    assert sha256(file.content).hexdigest() == delivered["sha256"]
    assert len(unpacked(file.content)) == 21
    assert (await (await ingest.client("authority", "hr", "facts:read", department="社保")).get(delivered["address"])).status_code == 404


async def test_a_table_of_which_nothing_can_be_used_is_refused_and_says_nothing(ingest: Running) -> None:
    tax = await ingest.client("authority", "tax", "facts:write", department="税务")
    answers = [
        await tax.post("/v1/deliveries", content=b"uscc,founded_on\n"),
        await tax.post("/v1/deliveries", content=b"uscc,revenue@2025\n91,1\n"),
        await tax.post("/v1/deliveries?kind=certificate", content=b"uscc,id\n"),
        await tax.post("/v1/deliveries?true_on=2999-01-01", content=city(1)),
        await tax.post("/v1/deliveries", content=b"PAR1 and no more"),
        await tax.post("/v1/deliveries", json={"url": "http://127.0.0.1/table.csv"}),
    ]
    assert [answer.json()["code"] for answer in answers] == [
        "wrong-authority", "invalid-uscc", "wrong-authority", "invalid-request", "unreadable", "unreadable",
    ]  # fmt: skip
    assert all(400 <= answer.status_code < 500 for answer in answers)
    assert await ingest.said() == []
    officer = await ingest.client("officer", "o", "facts:write", department="税务")
    assert (await officer.post("/v1/deliveries", content=city(1))).status_code == 403
    assert json.loads((await tax.post("/v1/deliveries", content=b"")).content)["errors"][0]["at"]


async def test_an_enterprise_states_what_only_it_knows_and_of_itself_alone(ingest: Running) -> None:
    me = await ingest.client("enterprise", "me", "facts:write", uscc=uscc(1))
    said = dumps({"uscc": uscc(1), "facts": {"financing_need": True}})
    assert (await me.post("/v1/facts", content=said)).json()["accepted"] == 1
    (name, body) = (await ingest.said())[0]
    assert (name, body["authority"], body["facts"]) == ("FactsStated", "企业", {"financing_need": True})
    other = await me.post("/v1/facts", content=said.replace(uscc(1), uscc(2)))
    assert (other.status_code, other.json()["code"]) == (422, "not-allowed")
    tax = await me.post("/v1/facts", content=dumps({"uscc": uscc(1), "facts": {"revenue": {"2025": 1}}}))
    assert tax.json()["code"] == "wrong-authority"
    assert (await me.post("/v1/deliveries", content=b"uscc,financing_need\n")).status_code == 403
    portal = await ingest.client("platform", "portal", "facts:write")
    assert (await portal.post("/v1/facts", content=said.replace(uscc(1), uscc(2)))).json()["accepted"] == 1
