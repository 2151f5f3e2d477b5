"""Packages of policies at the command line: a key, an export, a verification without any service, an import."""

import asyncio
import json
from pathlib import Path

import pytest

from services.catalog.sources.signatures import new_signer
from services.cli import BAD_CONTENT, DONE, main
from tests.catalog.test_catalog_api import ALL, DOCUMENT
from tests.catalog.test_desk import key_of
from tests.catalog.test_packages import HERE, SECRET, SIGNER, contents, heard, here, matcher, packed, publish, texts
from tests.running import Running
from tests.service_room import serving

__all__ = ["here", "matcher", "texts"]  # fixtures of the room


def test_a_key_is_made_once_and_its_public_half_told_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("ZHAOQI_PACKAGE_KEY", raising=False)
    assert main(["package", "key"]) == DONE
    made = json.loads(capsys.readouterr().out)
    monkeypatch.setenv("ZHAOQI_PACKAGE_KEY", made.pop("ZHAOQI_PACKAGE_KEY"))
    assert main(["package", "key"]) == DONE
    assert json.loads(capsys.readouterr().out) == made
    monkeypatch.setenv("ZHAOQI_PACKAGE_KEY", "not a key")
    assert main(["package", "key"]) == BAD_CONTENT
    assert "not a key" not in capsys.readouterr().err


def test_a_package_is_verified_without_any_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policy.json"
    file.write_bytes(packed(contents()))
    monkeypatch.setenv("ZHAOQI_PACKAGE_TRUSTED", f"{HERE}={SIGNER.public}")
    assert main(["package", "verify", str(file)]) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["signer"], told["document"], told["language"]) == (HERE, DOCUMENT, 1)
    file.write_bytes(file.read_bytes().replace("思明区".encode(), "湖里区".encode()))
    assert main(["package", "verify", str(file)]) == BAD_CONTENT
    complaint = capsys.readouterr().err
    assert "parts/text：与清单中的 SHA-256 不符" in complaint
    assert "parts/benefits：与清单中的 SHA-256 不符" in complaint
    monkeypatch.setenv("ZHAOQI_PACKAGE_TRUSTED", f"别处={new_signer()[0].public}")
    assert main(["package", "verify", str(file)]) == BAD_CONTENT
    assert "不在信任名单中" in capsys.readouterr().err
    assert main(["package", "import", str(file)]) == BAD_CONTENT
    assert "ZHAOQI_API_KEY" in capsys.readouterr().err


async def test_a_policy_is_exported_and_imported_through_catalog(
    here: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await publish(here, *await heard(here))
    file = tmp_path / "policy.json"
    monkeypatch.setenv("ZHAOQI_PACKAGE_KEY", SECRET)
    monkeypatch.setenv("ZHAOQI_API_KEY", await key_of(here, "甲", "editor", scopes=ALL))

    async def say(*arguments: str) -> int:
        return await asyncio.to_thread(main, ["package", *arguments])

    monkeypatch.setenv("ZHAOQI_CATALOG_URL", "http://127.0.0.1:9")
    assert await say("export", DOCUMENT, "--out", str(file)) == BAD_CONTENT
    assert "没有应答" in capsys.readouterr().err
    async with serving(here.app) as address:
        monkeypatch.setenv("ZHAOQI_CATALOG_URL", address)
        assert await say("export", "doc-none", "--out", str(file)) == BAD_CONTENT
        assert "没有找到" in capsys.readouterr().err
        assert await say("export", DOCUMENT, "--out", str(file)) == DONE
        assert await say("import", str(file)) == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["document"], told["new"], len(told["benefits"])) == (DOCUMENT, True, 2)
