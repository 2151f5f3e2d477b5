"""The bulk files of facts that ingest keeps: fetched whole, checked against their hash, and divided by shard."""

import asyncio
import io
import tempfile
from hashlib import sha256
from pathlib import Path

import httpx
import orjson
import pyarrow as pa

from contracts.topics import TOPICS
from services.chassis.bus import partition_of
from services.chassis.settings import Settings

PATIENCE = httpx.Timeout(30.0)
"""For each step of the exchange: ingest may be busy, and the file is long."""
_HEAD = b'{"uscc":"'
_BLOCK = 4 * 1024 * 1024  # bytes of lines that are divided together
_CODE = slice(len(_HEAD), len(_HEAD) + 18)


class Unfetched(Exception):
    """A file that cannot be had now, or not as it was announced; the message says what to do."""


async def shards_of(settings: Settings, address: str, digest: str) -> dict[int, bytes]:
    """The lines of a file by shard, packed. Raises Unfetched.

    `address` is a path of ingest: the key that services show one another goes nowhere else.
    """
    if settings.service_key is None:
        raise Unfetched("set ZHAOQI_SERVICE_KEY so that policy_match may read files from ingest")
    if not address.startswith("/v1/"):
        raise Unfetched("the address is no path of ingest; deliver the file through ingest")
    headers = {"Authorization": f"Bearer {settings.service_key.get_secret_value()}"}
    with tempfile.TemporaryDirectory(prefix="zhaoqi-") as folder:
        file, found = Path(folder) / "file", sha256()
        try:
            async with (
                httpx.AsyncClient(base_url=settings.ingest_url, timeout=PATIENCE, trust_env=False) as client,
                client.stream("GET", address, headers=headers) as reply,
            ):
                reply.raise_for_status()
                with file.open("wb") as out:
                    async for chunk in reply.aiter_raw():
                        found.update(chunk)
                        out.write(chunk)
        except httpx.HTTPStatusError as error:
            raise Unfetched(f"ingest answers {error.response.status_code} for the file; is it still kept?") from error
        except httpx.HTTPError as error:
            raise Unfetched(f"ingest does not answer ({type(error).__name__})") from error
        if found.hexdigest() != digest:
            raise Unfetched("the file's SHA-256 is not the one announced; it is fetched again")
        return await asyncio.to_thread(divided, file)


def divided(file: Path) -> dict[int, bytes]:
    """The lines of a packed file by the shard of their enterprise, packed again."""
    number = TOPICS["facts.v1"].partitions
    sinks = [pa.BufferOutputStream() for _ in range(number)]
    outs = [pa.CompressedOutputStream(sink, "zstd") for sink in sinks]
    filled = set()
    with pa.CompressedInputStream(str(file), "zstd") as packed:
        stream = io.BufferedReader(packed, _BLOCK)
        while lines := stream.readlines(_BLOCK):
            shards: list[list[bytes]] = [[] for _ in range(number)]
            for line in lines:
                code = line[_CODE].decode() if line.startswith(_HEAD) else orjson.loads(line)["uscc"]
                shards[partition_of(code, number)].append(line)
            for shard, some in enumerate(shards):
                if some:
                    outs[shard].write(b"".join(some))
                    filled.add(shard)
    for out in outs:
        out.close()
    return {shard: sinks[shard].getvalue().to_pybytes() for shard in sorted(filled)}
