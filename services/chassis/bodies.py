"""The body of a request, read no further than it may be long, so that nobody fills the memory or the disk."""

from hashlib import sha256
from pathlib import Path

from fastapi import Request


async def body_within(request: Request, limit: int) -> tuple[bytes, bool]:
    """The body, and whether it is whole: reading stops past `limit`, so that nobody fills the memory."""
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
