"""The frame of every page, and the parts that several pages share: forms, fields, tables, times, and what was refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from services.catalog.api.html import Child, Html, h, text_of
from services.catalog.api.sessions import SIZES, Seat
from services.catalog.domain.review import ROLES, WORDS, Standing
from services.chassis.problems import Problem

CHINA = ZoneInfo("Asia/Shanghai")


@cache
def sheet() -> bytes:
    """The style sheet."""
    return files("services.catalog").joinpath("api/desk.css").read_bytes()


@cache
def sheet_mark() -> str:
    """What tells one style sheet from another, so that no browser keeps an old one."""
    return sha256(sheet()).hexdigest()[:12]


def page(title: str, seat: Seat, *content: Child, wrong: Problem | None = None, done: str | None = None) -> str:
    """A whole page with its frame; `wrong` is said first and is what a screen reader reads out."""
    officer = seat.officer
    who: Child = None
    if officer is not None:
        roles = "、".join(ROLES[role] for role in ROLES if role in officer.roles) or "只读"
        who = [h("span", f"{officer.department} {officer.name}（{roles}）"), form(seat, "/desk/leave", h("button", "退出"))]
    sizes: list[Child] = [h("option", words, value=size, selected=size == seat.size) for size, words in SIZES.items()]
    return "<!doctype html>" + h(
        "html",
        h(
            "head",
            h("meta", charset="utf-8"),
            h("meta", name="viewport", content="width=device-width, initial-scale=1"),
            h("title", f"{title} · 找企政策工作台"),
            h("link", rel="stylesheet", href=f"/desk/style.css?{sheet_mark()}"),
        ),
        h(
            "body",
            h("a", "跳到正文", class_="skip", href="#content"),
            h(
                "header",
                h("a", "找企 · 政策工作台", href="/desk"),
                form(
                    seat,
                    "/desk/text",
                    h("select", sizes, name="size", aria_label="文字大小"),
                    h("button", "调整字号"),
                ),
                h("span", who, class_="who"),
                class_="top",
            ),
            h(
                "main",
                h("h1", title),
                problem_box(wrong) if wrong else None,
                h("div", done, class_="box done", role="status") if done else None,
                *content,
                id="content",
            ),
        ),
        lang="zh-CN",
        class_=seat.size or None,
    )


def problem_box(problem: Problem) -> Html:
    """What was refused, why, and what to do."""
    faults = [
        h("li", f"{fault.at}：" if fault.at else None, fault.problem, f"（{fault.hint}）" if fault.hint else None)
        for fault in problem.errors
    ]
    return h(
        "div",
        h("p", h("strong", f"{problem.title}："), problem.detail),
        h("ul", *faults) if faults else None,
        class_="box wrong",
        role="alert",
    )


def form(seat: Seat, action: str, *content: Child) -> Html:
    """A form that carries the session's token."""
    return h("form", h("input", type="hidden", name="token", value=seat.token), *content, method="post", action=action)


def field(
    label: str,
    name: str,
    value: str = "",
    *,
    hint: str | None = None,
    area: bool = False,
    key: str | None = None,
    wrong: str | None = None,
    **more: Any,
) -> Html:
    """A labelled field; its hint, and what is wrong with it, are read with it. `key` tells apart fields of one name on one page."""
    key = key or name
    told = _told(key, hint, wrong)
    control = (
        h("textarea", value, id=key, name=name, rows=3, **told, **more)
        if area
        else h("input", id=key, name=name, value=value, **({"type": "text"} | more), **told)
    )
    return text_of([h("label", label, for_=key), control, *_notes(key, hint, wrong)])


def choice(
    label: str,
    name: str,
    options: Mapping[str, str],
    chosen: str,
    *,
    hint: str | None = None,
    key: str | None = None,
    wrong: str | None = None,
) -> Html:
    """A labelled list to choose from."""
    key = key or name
    items = [h("option", words, value=value, selected=value == chosen) for value, words in options.items()]
    return text_of(
        [h("label", label, for_=key), h("select", *items, id=key, name=name, **_told(key, hint, wrong)), *_notes(key, hint, wrong)]
    )


def _told(key: str, hint: str | None, wrong: str | None) -> dict[str, Any]:
    described = [f"{key}-wrong"] * bool(wrong) + [f"{key}-hint"] * bool(hint)
    return {"aria_describedby": " ".join(described) or None, "aria_invalid": "true" if wrong else None}


def _notes(key: str, hint: str | None, wrong: str | None) -> list[Child]:
    return [
        h("div", wrong, id=f"{key}-wrong", class_="bad") if wrong else None,
        h("div", hint, id=f"{key}-hint", class_="quiet") if hint else None,
    ]


@dataclass(frozen=True)
class Filled:
    """A form as it is shown: what stands in its fields, and after a refusal the field that was wrong and why."""

    values: Mapping[str, str]
    at: str = ""
    problem: str = ""

    def text(self, label: str, name: str, **more: Any) -> Html:
        """A field with what stands in it."""
        return field(label, name, self.values.get(name, ""), wrong=self._wrong(name), **more)

    def choice(self, label: str, name: str, options: Mapping[str, str], **more: Any) -> Html:
        """A list with what is chosen in it."""
        return choice(label, name, options, self.values.get(name, ""), wrong=self._wrong(name), **more)

    def why(self, label: str = "改正的理由") -> Html:
        """The reason that every change has."""
        return self.text(label, "why", area=True, required=True, maxlength=2000)

    def version(self, newest: int) -> Html:
        """The version that a form is based on: after a refusal still the one it was opened on."""
        return h("input", type="hidden", name="version", value=self.values.get("version") or newest)

    def _wrong(self, name: str) -> str | None:
        return self.problem if name == self.at else None


def tick(label: str, name: str, checked: bool) -> Html:
    """A box to tick."""
    return h("label", h("input", type="checkbox", name=name, value="1", checked=checked), " ", label, class_="tick")


def table(headings: Sequence[str], lines: Sequence[Html]) -> Html:
    """A table that scrolls by itself on a narrow screen."""
    head = h("tr", *(h("th", heading, scope="col") for heading in headings))
    return h("div", h("table", h("thead", head), h("tbody", *lines)), class_="wide", tabindex=0)


def row(*cells: Child) -> Html:
    """A line of a table."""
    return h("tr", *(h("td", cell) for cell in cells))


def good(words: str, holds: bool) -> Html:
    """Words whose colour says what they say already."""
    return h("span", words, class_="good" if holds else "bad")


def bullets(words: Sequence[str], none: str) -> Html:
    """A list of words, or what is said where there is none."""
    return h("ul", *(h("li", one) for one in words)) if words else h("p", none, class_="quiet")


def stands(standing: Standing) -> Html:
    """Where a benefit stands, as tags."""
    revision = h("span", f"修订稿·{WORDS[standing.pending]}", class_="tag") if standing.offer and standing.pending else None
    return text_of([h("span", WORDS[standing.status], class_="tag"), revision])


def moment(at: datetime) -> Html:
    """A moment on the city's clock."""
    return h("time", at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M"), datetime=at.isoformat())


def sign_in(seat: Seat, wrong: Problem | None = None) -> str:
    """Paste a key."""
    return page(
        "登录",
        seat,
        h("p", "请粘贴本人的接口密钥。密钥不会保存在浏览器里；一个工作日后需重新登录。"),
        form(
            seat, "/desk/login", field("接口密钥", "key", type="password", autocomplete="off", required=True), h("p", h("button", "登录"))
        ),
        wrong=wrong,
    )
