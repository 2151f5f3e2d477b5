"""`zhaoqi city`: a synthetic city with rules and answers, the same for the same arguments, in every way that a benefit can be decided."""

import json
import tracemalloc
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from contracts.registry import load_figures, load_registry
from contracts.rules import TWINS, loads, parse_benefit, walk
from deploy import known_answers
from services.cli import main
from services.policy_match.domain import check
from tests.policy_match.test_match_cli import run

OPERATORS = {"=", "<", "<=", ">", ">=", "between", "during", "in", "under", "has", "has_all", *TWINS}
KEYS = {
    "all", "any", "not", "at_least", "judged", "some", "none", "count", "sum", "earliest", "latest", "rank", "percentile", "fact", "field",
    "figure", "ago", "shift", "plus", "times", "over", "since", "base_if_zero", "open", "order", "valid", "window", "fixed", "rate", "per",
    "tiers", "case", "each", "min", "max", "cap", "floor", "less", "instalments", "marginal", "edge", "best", "step",
}  # fmt: skip
TAKES = {"sum", "mean", "min", "max", "every", "growth", "increase"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city") / "new"
    assert main(["city", "--enterprises", "150", "--seed", "7", "--out", str(folder)]) == 0
    return folder


def lines(path: Path) -> list[Any]:
    return [loads(line) for line in path.read_text("utf-8").splitlines()]


def given() -> list[Any]:
    return list(loads(known_answers.rules()))


def test_the_folder_holds_the_city_its_rules_its_answers_and_what_they_are(city: Path) -> None:
    assert {path.name for path in city.iterdir()} == {"enterprises.jsonl", "benefits.json", "answers.jsonl", "README.md"}
    assert len(lines(city / "enterprises.jsonl")) == 150
    assert "2025-06-30" in (city / "README.md").read_text("utf-8")


def test_match_prints_the_answers(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ("--benefits", city / "benefits.json", "--enterprises", city / "enterprises.jsonl")
    code, said, _ = run(capsys, "match", *files, "--as-of", "2025-06-30", "--list")
    assert code == 0
    assert said == lines(city / "answers.jsonl")


def test_as_tables_it_has_the_same_answers(city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = run(capsys, "city", "--enterprises", "150", "--seed", "7", "--out", tmp_path, "--format", "parquet")
    assert (code, said) == (0, [])
    assert (tmp_path / "answers.jsonl").read_bytes() == (city / "answers.jsonl").read_bytes()
    files = ("--benefits", tmp_path / "benefits.json", "--enterprises", tmp_path / "enterprises.parquet")
    assert run(capsys, "match", *files, "--as-of", "2025-06-30", "--list")[1] == lines(city / "answers.jsonl")


def test_the_same_seed_writes_the_same_files_and_another_another_city(city: Path, tmp_path: Path) -> None:
    known_answers.write_city(tmp_path / "again", count=150, seed=7)
    assert all((tmp_path / "again" / path.name).read_bytes() == path.read_bytes() for path in city.iterdir())
    known_answers.write_city(tmp_path / "other", count=20, seed=8, as_of=date(2026, 3, 1))
    assert lines(tmp_path / "other" / "enterprises.jsonl") != lines(city / "enterprises.jsonl")[:20]


def test_every_outcome_is_at_least_fifteen_in_a_hundred_of_the_pairs(city: Path) -> None:
    answers = lines(city / "answers.jsonl")
    pairs = 150 * len(answers)
    shares = {state: sum(answer[state] for answer in answers) / pairs for state in known_answers.OUTCOMES}
    assert min(shares.values()) >= 0.15, shares
    usccs = sorted(one["uscc"] for one in lines(city / "enterprises.jsonl"))
    assert all(sorted(chain(*answer["lists"].values())) == usccs for answer in answers)


def test_the_rules_use_the_whole_language() -> None:
    nodes = [node for one in given() for node in walk(parse_benefit(one))]
    assert {str(node.__dict__["is_"]) for node in nodes if "is_" in node.__dict__} == OPERATORS
    assert {node.__dict__.get("take") for node in nodes} - {None} == TAKES
    text = known_answers.rules()
    assert [key for key in sorted(KEYS) if f'"{key}"' not in text] == []


def test_the_rules_are_fit_to_be_published() -> None:
    benefits = [parse_benefit(one) for one in given()]
    assert len({benefit.id for benefit in benefits}) == len(benefits) >= 60
    for benefit in benefits:
        assert check(benefit, registry=load_registry(), figures=load_figures(), others=benefits).errors == ()


def test_memory_does_not_grow_with_the_city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = [one for one in given() if one["id"] in ("scale-up", "no-penalty")]
    monkeypatch.setattr(known_answers, "rules", lambda: json.dumps(plain, default=float))
    peaks = []
    for count in (50, 50, 500):  # the first fills what is loaded once
        tracemalloc.start()
        known_answers.write_city(tmp_path / str(count), count=count, seed=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < peaks[1] + 500_000, "ten times the city, no more memory"


@pytest.mark.parametrize("argv", [("--enterprises", "0"), ("--enterprises", "many"), ("--enterprises", "5", "--format", "xml"), ()])
def test_a_city_wrongly_asked_for_is_exit_two(tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]) -> None:
    assert run(capsys, "city", *argv, "--out", tmp_path)[0] == 2


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    code, said, told = run(capsys, "city", "--enterprises", "1", "--out", tmp_path / "file")
    assert (code, said) == (1, [])
    assert "file：无法写入" in told
