"""API keys for principals: written, as hashes, to the databases of the services their scopes name; shown once."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from services.chassis.auth import SERVICES_OF_SCOPE, Principal, new_key, problems_of, store_key


class BadPrincipal(ValueError):
    """A principal that cannot be given a key, and why."""


async def create_key(
    databases: Mapping[str, str],
    principal: Principal,
    *,
    secret: str,
    expires_at: datetime | None = None,
) -> str:
    """A new key for a principal; `databases` are the services' database URLs. Raises BadPrincipal."""
    problem = problems_of(
        principal.kind, sorted(principal.scopes), sorted(principal.roles), department=principal.department, uscc=principal.uscc
    )
    if problem:
        raise BadPrincipal(problem)
    key = new_key()
    for service in services_of(sorted(principal.scopes)):
        if service not in databases:
            raise BadPrincipal(f"the scopes name {service}, whose database is not known")
        connection = await asyncpg.connect(databases[service])
        try:
            await store_key(connection, key, principal, secret=secret, expires_at=expires_at)
        finally:
            await connection.close()
    return key


def services_of(scopes: Sequence[str]) -> list[str]:
    """The services a key with these scopes must be known to."""
    return sorted({service for scope in scopes for service in SERVICES_OF_SCOPE[scope]})
