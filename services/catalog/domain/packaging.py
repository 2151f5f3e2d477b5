"""A policy as one signed file that another city can check and take over: written, verified, and read with the receiver's eyes.

The file is JSON: `parts` are texts (the document, its raw text, its measures, its benefits with their rules and cases, the facts
they name), `manifest` is a text with the SHA-256 of every part and where all came from, `signature` is Ed25519 over FORMAT, a line
end and the bytes of the manifest. Nothing is signed but bytes that stand in the file, so nothing has to be written again to verify.
Two packages with the same parts are the same policy, whoever signed them and when.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from contracts.rules import OPEN, Entry, Registry, dumps, loads
from services.catalog.domain.passage import Passage

FORMAT = "zhaoqi-policy/1"
LANGUAGE = 1
"""The newest version of the rule language that is understood."""
PARTS = ("document", "text", "measures", "benefits", "facts")
LARGEST = 20 * 1024 * 1024
"""Bytes a package may have."""
MEASURES, BENEFITS = 5000, 5000
"""Measures and benefits it may hold."""

Sign = Callable[[bytes], bytes]
Verify = Callable[[str, bytes, bytes], bool]
"""Whether a signature over a message is that of the trusted key with this id."""


class Wrong(NamedTuple):
    """One thing that is wrong with a package: where, what, and what to do."""

    at: str
    problem: str
    hint: str


class Unacceptable(ValueError):
    """A package that is not taken, with everything that is wrong with it."""

    def __init__(self, *wrong: Wrong) -> None:
        super().__init__("；".join(f"{one.at}：{one.problem}" for one in wrong))
        self.wrong = wrong


@dataclass(frozen=True)
class Package:
    """A package whose signature and parts were found sound. `id` is the digest of its parts, `signer` what we call the owner of `key`."""

    id: str
    key: str
    signer: str
    manifest: Mapping[str, Any]
    document: Mapping[str, Any]
    text: str
    measures: Sequence[Mapping[str, Any]]
    benefits: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Contents:
    """What is to be packed: the document and its measures as said, the raw text, and (benefit, version, measure, unread) in order."""

    document: Mapping[str, Any]
    text: str
    measures: Sequence[Mapping[str, Any]]
    benefits: Sequence[tuple[Mapping[str, Any], int, str, Sequence[str]]]


def pack(
    contents: Contents, *, issuer: str, city: str, at: str, origin: Sequence[Mapping[str, Any]], registry: Registry, key: str, sign: Sign
) -> bytes:
    """The file. `key` is the id of the key that signs; `origin` says where an imported policy came from, the nearest last."""
    said = [dict(benefit) for benefit, *_ in contents.benefits]
    parts = {
        "document": dumps(contents.document),
        "text": contents.text,
        "measures": dumps(list(contents.measures)),
        "benefits": dumps(
            [
                {"measure": measure, "unread": list(unread), "benefit": {name: value for name, value in benefit.items() if name != "id"}}
                for benefit, (_, _, measure, unread) in zip(said, contents.benefits, strict=True)
            ]
        ),
        "facts": dumps(_dictionary(said, registry)),
    }
    manifest = dumps(
        {
            "format": FORMAT,
            "language": LANGUAGE,
            "issuer": issuer,
            "city": city,
            "exported_at": at,
            "parts": {name: _digest(parts[name]) for name in PARTS},
            "benefits": [
                {"id": benefit["id"], "version": version} for benefit, (_, version, _, _) in zip(said, contents.benefits, strict=True)
            ],
            "origin": list(origin),
        }
    )
    signature = {"key": key, "ed25519": sign(_message(manifest)).hex()}
    file = dumps({"format": FORMAT, "manifest": manifest, "signature": signature, "parts": parts}).encode()
    if len(file) > LARGEST:
        raise Unacceptable(Wrong("package", f"政策包超过 {LARGEST // 1024 // 1024} MB", "请分开导出"))
    return file


def unpack(file: bytes, *, trusted: Mapping[str, str], verify: Verify) -> Package:
    """The package in a file; `trusted` are the names of signers by the ids of their keys. Raises Unacceptable, naming all that is wrong."""
    if len(file) > LARGEST:
        raise Unacceptable(Wrong("package", f"政策包超过 {LARGEST // 1024 // 1024} MB", "请对方分开导出"))
    envelope = _json("package", file)
    manifest_text, signature, parts = (_member(envelope, name) for name in ("manifest", "signature", "parts"))
    if envelope.get("format") != FORMAT:
        raise Unacceptable(
            Wrong("format", f"格式为 {_short(envelope.get('format'))}，本系统只识别 {FORMAT}", "请升级本系统，或请对方以旧格式导出")
        )
    if not isinstance(manifest_text, str) or not isinstance(signature, dict) or not isinstance(parts, dict):
        raise Unacceptable(Wrong("package", "不是政策包", "请核对文件"))
    wrong = list(_signed_wrongly(manifest_text, signature, trusted, verify))
    manifest = _json("manifest", manifest_text)
    listed = manifest.get("parts") if isinstance(manifest, dict) else None
    if not isinstance(listed, dict):
        raise Unacceptable(*wrong, Wrong("manifest", "没有列出各部分", "请对方重新导出"))
    language = manifest.get("language")
    if not isinstance(language, int) or language > LANGUAGE:
        wrong.append(
            Wrong("manifest/language", f"规则语言为第 {_short(language)} 版，本系统只懂到第 {LANGUAGE} 版", "请升级本系统后再导入")
        )
    wrong += _changed(parts, listed)
    if wrong:
        raise Unacceptable(*wrong)
    document, measures, benefits, facts = (_json(f"parts/{name}", parts[name]) for name in ("document", "measures", "benefits", "facts"))
    origins = manifest.get("benefits")
    whole = (
        isinstance(document, dict)
        and _objects(measures, MEASURES)
        and _objects(benefits, BENEFITS)
        and isinstance(facts, dict)
        and all(isinstance(fact, dict) for fact in facts.values())
        and all(isinstance(one.get("benefit"), dict) and isinstance(one.get("measure"), str) for one in benefits)
        and all(isinstance(one.get("unread"), list) and all(isinstance(words, str) for words in one["unread"]) for one in benefits)
        and _objects(origins, BENEFITS)
        and len(origins) == len(benefits)
        and all(isinstance(one.get("id"), str) and isinstance(one.get("version"), int) for one in origins)
        and _objects(manifest.get("origin", []), 100)
    )
    if not whole:
        raise Unacceptable(Wrong("parts", "内容不合格式，或超过上限", "请对方重新导出"))
    identity = sha256("".join(f"{name} {listed[name]}\n" for name in PARTS).encode()).hexdigest()
    return Package(identity, signature["key"], trusted[signature["key"]], manifest, document, parts["text"], measures, benefits, facts)


def _signed_wrongly(manifest: str, signature: Mapping[str, Any], trusted: Mapping[str, str], verify: Verify) -> Iterator[Wrong]:
    key, said = signature.get("key"), signature.get("ed25519")
    if not isinstance(key, str) or not isinstance(said, str) or not re.fullmatch("[0-9a-f]{128}", said):
        yield Wrong("signature", "没有签名，或签名不成形", "请对方重新导出")
    elif key not in trusted:
        yield Wrong("signature/key", f"签名者 {_short(key)} 不在信任名单中", "核实对方公钥后，加入 ZHAOQI_PACKAGE_TRUSTED")
    elif not verify(key, _message(manifest), bytes.fromhex(said)):
        yield Wrong("manifest", f"与“{trusted[key]}”的签名不符，清单已被改动或签名有误", "请向对方重新索取")


def _changed(parts: Mapping[str, Any], listed: Mapping[str, Any]) -> Iterator[Wrong]:
    for name in PARTS:
        if not isinstance(parts.get(name), str) or name not in listed:
            yield Wrong(f"parts/{name}", "缺少这一部分", "请对方重新导出")
        elif _digest(parts[name]) != listed[name]:
            yield Wrong(f"parts/{name}", "与清单中的 SHA-256 不符，内容已被改动", "请向对方重新索取")
    for name in sorted((parts.keys() | listed.keys()) - set(PARTS)):
        yield Wrong(f"parts/{_short(name)}", "不认识的部分", "请升级本系统，或请对方重新导出")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _message(manifest: str) -> bytes:
    return f"{FORMAT}\n{manifest}".encode()


def _json(at: str, text: str | bytes) -> Any:
    try:
        found = loads(text)
        dumps(found).encode()  # a lone surrogate is no text
    except (ValueError, RecursionError) as error:
        raise Unacceptable(Wrong(at, "不是 JSON", "请核对文件")) from error
    return found


def _member(envelope: Any, name: str) -> Any:
    if not isinstance(envelope, dict) or name not in envelope:
        raise Unacceptable(Wrong("package", "不是政策包", "请核对文件"))
    return envelope[name]


def _objects(found: Any, most: int) -> bool:
    return isinstance(found, list) and len(found) <= most and all(isinstance(one, dict) for one in found)


def _short(value: Any) -> str:
    return str(value)[:40]


# ------------------------------------------------------------------------------------------ with the eyes of the receiving city

_ROWS = ("some", "none", "count", "sum", "earliest", "latest", "each")


class Asked(NamedTuple):
    """A node of what a benefit computes, and the record kind whose rows it stands in."""

    node: Mapping[str, Any]
    kind: str | None

    @property
    def kinds(self) -> list[str]:
        """The record kinds it names."""
        return [kind for key in _ROWS if isinstance(kind := self.node.get(key), str)]


def _asked(node: Any, kind: str | None = None) -> Iterator[Asked]:
    """The nodes below; the cases of a benefit are none."""
    if isinstance(node, Mapping):
        here = Asked(node, kind)
        yield here
        for key, below in node.items():
            if key != "cases":
                yield from _asked(below, next(iter(here.kinds), kind))
    elif isinstance(node, list):
        for below in node:
            yield from _asked(below, kind)


def _dictionary(benefits: Sequence[Mapping[str, Any]], registry: Registry) -> dict[str, Any]:
    """What the exporting city means by the facts and record kinds its benefits name."""
    found: dict[str, Any] = {}
    for asked in _asked(list(benefits)):
        fact = asked.node.get("fact")
        if isinstance(fact, str) and fact in registry.facts:
            found[fact] = _meaning(registry.facts[fact])
        for kind in asked.kinds:
            if kind in registry.kinds:
                rows = registry.kinds[kind]
                found[kind] = {"name": rows.name, "fields": {name: _meaning(field) for name, field in rows.fields.items()}}
    return dict(sorted(found.items()))


def _meaning(entry: Entry) -> dict[str, Any]:
    periods = list(getattr(entry, "periods", ()))
    return (
        {"name": entry.name, "type": entry.type} | ({"unit": entry.unit} if entry.unit else {}) | ({"periods": periods} if periods else {})
    )


def received(benefit: Mapping[str, Any], package: Package, *, registry: Registry, city: str) -> tuple[dict[str, Any], list[str]]:
    """A benefit as the receiving city drafts it, and what its officers must look at.

    Codes stay as they are. A fact that this city does not register becomes an `open.` one, which is unknown of everybody until
    somebody states it; of a record kind that it lacks the draft keeps the name, and cannot be published until it is mended.
    """
    facts = package.document.get("facts")
    issuer = facts.get("issuer") if isinstance(facts, dict) else None
    notes = [
        f"本事项自“{package.signer}”导入，来源文件由{issuer or '其他机关'}发布；在本市发布前，请确认本市的政策依据、责任部门与资金来源"
    ]
    opened: dict[str, str] = {}
    for asked in _asked(benefit):
        fact = asked.node.get("fact")
        entry: Entry | None = None
        if isinstance(fact, str) and not fact.startswith(OPEN):
            meant, entry = package.facts.get(fact, {}), registry.facts.get(fact)
            if entry is None:
                opened[fact] = OPEN + re.sub(r"\s", "", str(meant.get("name") or fact))[:40]
            elif differs := _differs(meant, entry):
                notes.append(f"“{entry.name}”（{fact}）在两地含义不同：{differs}")
        elif asked.kind in registry.kinds:
            entry = registry.kinds[asked.kind].fields.get(str(asked.node.get("field")))
        notes += _codes(asked.node, entry, registry, city) if entry else []
        for kind in asked.kinds:
            if kind not in registry.kinds:
                named = package.facts.get(kind, {}).get("name") or kind
                notes.append(f"本市没有登记“{named}”（{kind}）这类记录，须改写条件后才能发布")
    notes += [
        f"本市没有登记“{new.removeprefix(OPEN)}”（{old}），暂作尚未登记的事实，没有企业能据以判断为符合" for old, new in opened.items()
    ]
    printed = Passage.of(package.text).text
    quotes = [quote for asked in _asked(benefit) if isinstance(quote := asked.node.get("quote"), str)]
    notes += [f"引文不在来源文件中：“{quote}”" for quote in quotes if Passage.of(quote).text not in printed]
    return _renamed(dict(benefit), opened), list(dict.fromkeys(notes))


def _differs(meant: Mapping[str, Any], entry: Entry) -> str:
    here = _meaning(entry)
    names = ("type", "unit", "periods") if meant else ()
    return "；".join(f"{name} 对方为 {meant.get(name)}，本市为 {here.get(name)}" for name in names if meant.get(name) != here.get(name))


def _codes(node: Mapping[str, Any], entry: Entry, registry: Registry, city: str) -> Iterator[str]:
    """Codes that stand for another place, or for nothing, here. Below a code that is listed, those of its branch stand too."""
    if entry.codes is None:
        return
    listed = registry.codes[entry.codes]
    value = node.get("value")
    for code in value if isinstance(value, list) else [value]:
        if not isinstance(code, str):
            continue
        branch = bool(re.fullmatch(r"[A-Z]?\d+", code)) and any(code.startswith(known) for known in listed)
        elsewhere = entry.codes == "district" and not code.startswith(re.sub("(?:00)+$", "", city))
        if elsewhere or (listed and code not in listed and not branch):
            why = "是外地的区划" if elsewhere else "不在本市的代码表里"
            yield f"“{entry.name}”的代码 {code} {why}，照原样保留，请核对或改为本市的代码"


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: names[value] if key == "fact" and isinstance(value, str) and value in names else _renamed(value, names)
            for key, value in node.items()
        }
    return [_renamed(below, names) for below in node] if isinstance(node, list) else node
