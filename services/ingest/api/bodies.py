"""What a caller sends, read up to a limit so that nobody fills the memory or the disk; and a refusal that is itself kept."""

from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request

from services.chassis.app import Reply


async def whole_body(request: Request, limit: int) -> tuple[bytes, bool]:
    """The body, and whether it is whole: reading stops past `limit`."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            return b"".join(chunks), False
    request._body = b"".join(chunks)  # where Starlette keeps it for form() and body()
    return request._body, True


async def body_to_file(request: Request, file: Path, limit: int) -> str | None:
    """Write the body to a file; its SHA-256 in hex, None past `limit`. What tells this request from another is then that hash."""
    digest, size = sha256(), 0
    with file.open("wb") as out:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                return None
            digest.update(chunk)
            out.write(chunk)
    request._body = digest.digest()
    return digest.hexdigest()


def kept_refusal(body: dict[str, Any]) -> Reply:
    """A refusal that is itself kept, with what was said of it: the transaction commits."""
    return Reply(body, body["status"], (("Content-Type", "application/problem+json"),))
