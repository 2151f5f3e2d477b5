"""Which department a name means: the full name, whatever the document calls it; two names are one department or they are not.

The names are data of the registry, those of the city and its districts too.
"""

import re
import unicodedata
from collections.abc import Iterable

from contracts.rules import Registry

_BETWEEN = re.compile(r"[、，,；;/\s]+")


class Departments:
    """The registry's names of departments turned round: from any name to the full one."""

    def __init__(self, registry: Registry) -> None:
        self._full = {other: full for full, others in registry.departments.items() for other in (full, *others)}
        places = registry.codes.get("district", {})
        self._cities = tuple(name for code, names in places.items() if code.endswith("00") for name in names if name.endswith("市"))
        self._districts = tuple(names[0] for code, names in places.items() if not code.endswith("00"))

    def named(self, words: str | Iterable[str] | None) -> tuple[str, ...]:
        """The full names in a text (parted by 、and the like) or in a list of names, each once; what is not known stays as it is."""
        names = _BETWEEN.split(words) if isinstance(words, str) else list(words or ())
        return tuple(dict.fromkeys(self._named(name) for name in names if name.strip()))

    def _named(self, name: str) -> str:
        name = re.sub(r"\s", "", unicodedata.normalize("NFKC", name))
        for city in self._cities:
            if city != "市" and city in name:
                name = name.replace(city, "市", 1)
        if name.startswith("市") and name.removeprefix("市").startswith(self._districts):
            name = name.removeprefix("市")
        district = next((one for one in self._districts if name.startswith(one)), None)
        if district is None:
            return self._full.get(name, name)
        office = self._full.get("市" + name.removeprefix(district))  # the districts' offices are called as the city's are
        return name if office is None else district + office.removeprefix("市")
