"""What every route of the officer's page shares: refusals that are pages, the headers they are sent with, and the fields of forms."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.datastructures import FormData

from services.catalog.api.pages.frame import page
from services.catalog.api.sessions import Seat, seat_of
from services.chassis.auth import Principal
from services.chassis.problems import Problem

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every page of the desk is sent with: nothing but its own style sheet, in no frame, kept nowhere."""


class Page(APIRoute):
    """A route whose refusals are pages, and whose every answer carries the headers above."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, guarded."""
        inner = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await inner(request)
            except (Problem, RequestValidationError) as error:
                problem = error if isinstance(error, Problem) else Problem("invalid-request", "网址或表单不完整，请从页面上的链接进入")
                response = await _refused(request, problem)
            response.headers.update({name: value for name, value in HEADERS.items() if name.lower() not in response.headers})
            return response

        return guarded


def routes() -> APIRouter:
    """A router of pages under /desk."""
    return APIRouter(prefix="/desk", route_class=Page, include_in_schema=False, default_response_class=HTMLResponse)


async def _refused(request: Request, problem: Problem) -> Response:
    seat = await seat_of(request)
    if problem.code == "unauthenticated" and request.method == "GET":
        return RedirectResponse("/desk/login", 303)
    return HTMLResponse(page(problem.title, seat, wrong=problem), problem.status)


async def _seated(request: Request) -> Seat:
    """An officer at the page. Raises Problem `unauthenticated`."""
    seat = await seat_of(request)
    if seat.officer is None:
        raise Problem("unauthenticated", "请先登录；没有作任何改动")
    return seat


Seated = Annotated[Seat, Depends(_seated)]


def principal_of(seat: Seat, scope: str = "benefits:read") -> Principal:
    """The officer at the page, for what this scope allows. Raises Problem."""
    if seat.officer is None or scope not in seat.officer.scopes:
        raise Problem("not-allowed", f"您的密钥没有所需的权限 {scope}")
    return seat.officer


def text_of(form: FormData, name: str) -> str:
    """What was typed into a field, without blanks around it."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def typed(form: FormData) -> dict[str, str]:
    """Everything that was typed, to be shown again where it is refused."""
    return {name: value for name, value in form.items() if isinstance(value, str) and name != "token"}


def why_of(form: FormData) -> str:
    """The reason of a change. Raises Problem."""
    why = text_of(form, "why") or text_of(form, "why-judged") or text_of(form, "why-remove")
    if not 1 <= len(why) <= 2000:
        raise Problem("invalid-request", "请填写理由（2000 字以内）；没有作任何改动")
    return why


def version_of(form: FormData) -> int:
    """The version that a form is based on. Raises Problem."""
    version = text_of(form, "version")
    if not version.isdecimal() or len(version) > 9:
        raise Problem("invalid-request", "表单缺少版本；请刷新页面后重试")
    return int(version)
