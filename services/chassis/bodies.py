"""The body of a request, read no further than it may be long."""

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
