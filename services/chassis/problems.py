"""Errors as RFC 9457 problems: a stable English `code`, a Chinese title and detail, and what to do about it.

Raise `Problem`; the app turns it, and FastAPI's own validation errors, into `application/problem+json`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

CODES: dict[str, tuple[int, str]] = {
    "not-a-document": (422, "不是可读取的文件"),
    "too-large": (413, "内容超过大小限制"),
    "unreadable": (422, "内容无法读取"),
    "duplicate": (409, "重复的内容"),
    "invalid-uscc": (422, "统一社会信用代码不正确"),
    "unknown-fact": (422, "未登记的事实"),
    "wrong-authority": (403, "该事实不归本部门提供"),
    "stale-version": (412, "版本已变化"),
    "not-allowed": (403, "没有权限"),
    "not-found": (404, "没有找到"),
    "conflict": (409, "当前状态不允许"),
    "gone": (410, "已不存在"),
    "too-many": (429, "请求过多"),
    "rejected-rule": (422, "规则不能采用"),
    "case-fails": (422, "用例未通过"),
    "unavailable": (503, "服务暂不可用"),
    "unauthenticated": (401, "未提供有效的接口密钥"),
    "invalid-request": (422, "请求内容不正确"),
    "internal": (500, "服务内部错误"),
}
"""Every problem code with its HTTP status and Chinese title."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "错误说明（RFC 9457）；code 稳定，可据以判断",
    "required": ["type", "title", "status", "detail", "code", "errors"],
    "properties": {
        "type": {"type": "string", "examples": ["/problems/not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": list(CODES)},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["at", "problem"],
                "properties": {
                    "at": {"type": "string", "description": "何处"},
                    "problem": {"type": "string", "description": "何事"},
                    "hint": {"type": ["string", "null"], "description": "如何处理"},
                },
            },
        },
    },
}
"""JSON Schema of `Problem.body()`, the component `Problem` of each OpenAPI description."""
ERRORS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "错误（RFC 9457）",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""How OpenAPI tells every answer that is no success; it takes the place of FastAPI's own validation errors, which nobody gets here."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where, what, and what to do."""

    at: str
    problem: str
    hint: str | None = None


class Problem(Exception):
    """A refusal of a request: what, where and what to do."""

    def __init__(self, code: str, detail: str, *, errors: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.code, self.detail, self.errors = code, detail, tuple(errors)
        self.status, self.title = CODES[code]

    def body(self) -> dict[str, Any]:
        """The problem document (RFC 9457 §3)."""
        return {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "errors": [asdict(fault) for fault in self.errors],
        }


def response(problem: Problem) -> JSONResponse:
    """The HTTP answer for a problem."""
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else None
    return JSONResponse(problem.body(), status_code=problem.status, headers=headers, media_type="application/problem+json")


_SAID: Mapping[str, str] = {
    "missing": "缺少这一项",
    "json_invalid": "不是合法的 JSON",
    "extra_forbidden": "不认识的项，请检查拼写或删去",
    "literal_error": "应为下列之一：{expected}",
    "enum": "应为下列之一：{expected}",
    "string_pattern_mismatch": "写法不对，应符合 {pattern}",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_type": "应为文字",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "bool_parsing": "应为 true 或 false",
    "date_parsing": "应为日期，如 2026-06-30",
    "date_from_datetime_parsing": "应为日期，如 2026-06-30",
    "greater_than_equal": "不能小于 {ge}",
    "greater_than": "应大于 {gt}",
    "less_than_equal": "不能大于 {le}",
    "less_than": "应小于 {lt}",
}
"""The commonest refusals of a request in Chinese, by pydantic's types of error."""


def _told(error: Mapping[str, Any]) -> str:
    said = _SAID.get(error["type"])
    return said.format_map({key: str(value) for key, value in error.get("ctx", {}).items()}) if said else str(error["msg"])


def install(app: FastAPI) -> None:
    """Turn every error of an app into a problem."""

    async def on_problem(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)
        return response(error)

    async def on_invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        faults = [Fault(".".join(str(part) for part in e["loc"]), _told(e)) for e in error.errors()]
        return response(Problem("invalid-request", "请求的参数或内容不符合接口约定，详见 errors", errors=faults))

    async def on_http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = {404: "not-found", 401: "unauthenticated", 403: "not-allowed", 405: "not-found"}.get(error.status_code, "invalid-request")
        problem = Problem(code, str(error.detail))
        problem.status = error.status_code
        return response(problem)

    async def on_any(_: Request, error: Exception) -> JSONResponse:
        return response(Problem("internal", "服务内部错误，已记录；请稍后重试或联系运维"))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_any)
