"""An enterprise that is asked finds one question in its inbox, which changes, is read, and goes when it is answered."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest

from contracts.events import AnswerWanted
from services.notify.main import build
from tests.running import Running, running
from tests.service_room import alone, room_of, uscc

ME = uscc(1)
DAY = date(2025, 6, 30)


@pytest.fixture
async def service(database: str) -> AsyncIterator[Running]:
    async with running(build(settings=alone(database))) as opened:
        yield opened


def wanted(*facts: str, benefits: int = 2, up_to: Decimal | None = Decimal(150000), code: str = ME) -> AnswerWanted:
    return AnswerWanted(uscc=code, questions=list(facts), benefits=benefits, up_to=up_to, as_of=DAY)


async def test_an_enterprise_is_asked_in_one_message_that_changes(service: Running) -> None:
    room, me = room_of(service), await service.client("enterprise", "me", "messages:read", uscc=ME)
    await room.hear(wanted("financing_need", "hiring_need"), wanted("financing_need", code=uscc(2)))
    (item,) = (await me.get(f"/v1/inbox/{ME}/messages")).json()["items"]
    assert (item["kind"], item["status"], item["benefits"], item["high"]) == ("question", "new", 2, "150000.00")
    assert item["short"] == "请补充：融资需求、用工需求。据此可判定2项政策，合计最高15万元，以审核为准。"
    assert item["questions"][0] == {"fact": "financing_need", "period": None, "name": "融资需求", "type": "bool", "form": "是或否"}
    full = (await me.get(f"/v1/inbox/{ME}/messages/{item['id']}")).json()
    assert "不等于不符合" in full["what"]
    assert full["next"][0] == "填写“融资需求”：是或否。"

    await room.hear(wanted("hiring_need", benefits=1, up_to=None))
    (changed,) = (await me.get(f"/v1/inbox/{ME}/messages")).json()["items"]
    assert (changed["id"], changed["version"], changed["amount"]) == (item["id"], 2, "以审核为准")
    assert changed["seq"] > item["seq"]


async def test_a_question_is_read_and_goes_when_it_is_answered(service: Running) -> None:
    room, me = room_of(service), await service.client("enterprise", "me", "messages:read", uscc=ME)
    await room.hear(wanted("financing_need"))
    (item,) = (await me.get(f"/v1/inbox/{ME}/messages")).json()["items"]
    path = f"/v1/inbox/{ME}/messages/{item['id']}"
    assert (await me.post(f"{path}/read")).json()["status"] == "read"
    assert (await me.post(f"{path}/confirm")).json()["code"] == "conflict"
    assert (await me.post(f"{path}/feedback", json={"rating": 5})).status_code == 409
    assert await service.said() == [], "nothing is said of a benefit"
    await room.hear(wanted(benefits=0, up_to=None))
    gone = (await me.get(path)).json()
    assert (gone["status"], gone["short"]) == ("withdrawn", "所需信息已补齐或不再需要，无需填写。")
    await room.hear(wanted("financing_need"))
    assert (await me.get(path)).json()["status"] == "new"
