"""Packages of policies: what of a document is packed, and what another city's package becomes here: drafts that await review."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pydantic import ValidationError

from contracts.events import DocumentRead, MeasureRead
from contracts.registry import load_registry
from contracts.rules import loads
from services.catalog.domain.packaging import Contents, Package, Unacceptable, Wrong, received
from services.catalog.domain.review import Refusal, Standing
from services.catalog.handlers import DocumentHeard, Entry, Kept, Officer
from services.catalog.handlers import Store as Benefits
from services.catalog.handlers.documents import body_of
from services.chassis.work import Work


@dataclass(frozen=True)
class Taken:
    """A benefit of a package and the draft it became here; `origin` and `origin_version` are the exporting city's."""

    benefit: str
    origin: str
    origin_version: int
    new: bool


@dataclass(frozen=True)
class Import:
    """A package that was taken: whose, what it became, the document's raw text, and whether the document came with it."""

    package: str
    key: str
    signer: str
    document: str
    version: int
    manifest: Mapping[str, Any]
    text: str
    benefits: Sequence[Taken]
    brought: bool
    by: str
    at: datetime

    @property
    def origin(self) -> list[dict[str, Any]]:
        """Where a policy came from, the nearest last, as the manifest of the next export tells it."""
        told = {name: self.manifest.get(name) for name in ("issuer", "city", "exported_at")}
        return [*self.manifest.get("origin", []), {"package": self.package, "key": self.key, "signer": self.signer, **told}]


class Store(Benefits, Protocol):
    """What the handlers of packages ask of the database."""

    async def imported(self, package: str) -> Import | None:
        """The import of a package; None when it was never taken."""

    async def imports_from(self, key: str, document: str) -> list[Import]:
        """What was taken of a document from the owner of a key, the oldest first."""

    async def add_import(self, taken: Import) -> None:
        """Keep an import, and make who imported an author of the drafts that it made."""


def contents(heard: DocumentHeard, text: str, kept: Sequence[Kept], *, drafts: bool) -> Contents:
    """What is packed of a document: its benefits on offer, or with `drafts` the newest version of all that were not taken back."""
    named = {measure.measure for measure in heard.measures}
    chosen = []
    for one in kept:
        if one.measure not in named or one.standing.offer == "withdrawn":
            continue
        if drafts:
            chosen.append((loads(one.body), one.version, one.measure, one.unread))
        elif one.standing.offer == "published" and one.offered is not None and one.offered_version is not None:
            chosen.append((loads(one.offered), one.offered_version, one.measure, one.unread))
    document = heard.read.model_dump(mode="json")
    return Contents(document, text, [measure.model_dump(mode="json") for measure in heard.measures], chosen)


async def take(package: Package, work: Work[Store], *, by: Officer, city: str) -> tuple[Import, bool]:
    """Make drafts of a package's benefits; the import, and whether it is new: the same package twice is taken once.

    A benefit that was taken before in this version, in another package, stays what it became. Raises Refusal, Unacceptable.
    """
    if "editor" not in by.roles:
        raise Refusal("not-allowed", "导入政策包须由“经办”（editor）角色的人员操作")
    heard = _heard(package, work.trace_of())
    document, version = heard.read.document, heard.read.version
    await work.store.lock_documents([document])
    if before := await work.store.imported(package.id):
        return before, False
    brought = await _keep_document(heard, work)
    earlier = {
        (one.origin, one.origin_version): one.benefit
        for taken in await work.store.imports_from(package.key, document)
        for one in taken.benefits
    }
    here = [kept for kept in await work.store.take_benefits(document) if kept.standing.offer != "withdrawn"]
    own = len([kept for kept in here if kept.id not in earlier.values()])
    made: list[Kept] = []
    taken: list[Taken] = []
    for said, origin in zip(package.benefits, package.manifest["benefits"], strict=True):
        known = earlier.get((origin["id"], origin["version"]))
        if known is None:
            made.append(
                _draft(said, package, heard, work, city=city, own=own, before=[b for (o, _), b in earlier.items() if o == origin["id"]])
            )
        taken.append(Taken(known or made[-1].id, origin["id"], origin["version"], known is None))
    why = f"自“{package.signer}”的政策包 {package.id[:16]} 导入"
    await work.store.add_benefits(made, [Entry(one.id, 1, "import", None, "draft", by.name, why, work.now, None, one.body) for one in made])
    done = Import(
        package.id, package.key, package.signer, document, version, package.manifest, package.text, taken, brought, by.name, work.now
    )
    await work.store.add_import(done)
    return done, True


def _heard(package: Package, trace: str | None) -> DocumentHeard:
    """The document and measures of a package. Raises Unacceptable."""
    try:
        read = DocumentRead.model_validate(package.document)
        measures = [MeasureRead.model_validate(measure) for measure in package.measures]
    except ValidationError as error:
        at = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Unacceptable(Wrong(f"parts/{error.title}/{at}", error.errors()[0]["msg"], "请对方重新导出")) from error
    named = {measure.measure for measure in measures}
    apart = [measure for measure in measures if (measure.document, measure.version) != (read.document, read.version)]
    if apart or len(named) != len(measures) or len(measures) != read.measures or any(b["measure"] not in named for b in package.benefits):
        raise Unacceptable(Wrong("parts/measures", "举措与文件或事项对不上", "请对方重新导出"))
    return DocumentHeard(read, measures, trace)


async def _keep_document(heard: DocumentHeard, work: Work[Store]) -> bool:
    """Keep the document and its measures; False where they are there. Raises Refusal where they are there with other words."""
    read = heard.read
    there = await work.store.heard(read.document, read.version)
    if there is None:
        await work.store.add_documents([(read, heard.trace)], work.now)
        await work.store.add_measures(heard.measures)
        await work.store.drafted([heard], work.now)
        return True
    if there.read.sha256 != read.sha256 or [m.body for m in there.measures] != [m.body for m in heard.measures]:
        raise Refusal("conflict", f"本市已有这份文件（{read.document}）的第 {read.version} 版，内容与政策包中的不同；请先核对两地的文件")
    return False


def _draft(
    said: Mapping[str, Any], package: Package, heard: DocumentHeard, work: Work[Store], *, city: str, own: int, before: Sequence[str]
) -> Kept:
    given, notes = received(said["benefit"], package, registry=load_registry(), city=city)
    notes += [f"本市另有同一文件的事项 {own} 个，请核对是否重复"] if own else []
    notes += [f"此前已导入过这一事项的其他版本（{'、'.join(before)}），请核对是否由本草稿取代"] if before else []
    benefit = f"ben-{work.new_id()}"
    body, problems = body_of({"id": benefit, **given})
    return Kept(
        id=benefit,
        document=heard.read.document,
        measure=said["measure"],
        standing=Standing(),
        version=1,
        body=body,
        offered_version=None,
        offered=None,
        unread=list(said["unread"]),
        findings=[*notes, *problems],
        trace=heard.trace,
        changed_at=work.now,
    )
