"""`zhaoqi …`: a thin door on the same code the services run. stdout carries JSON Lines only (`explain` speaks Chinese unless it is
asked for `--json`); what went wrong goes to stderr.

Exit codes: 0 done, 1 bad content (where and why), 2 wrong use.
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

DONE, BAD_CONTENT, WRONG_USE = 0, 1, 2


if TYPE_CHECKING:
    from contracts.rules import Benefit, Decision


class Command(NamedTuple):
    """One line of the table: what it is for, its flags, what it runs. `run` imports its room only when it is called."""

    purpose: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="zhaoqi", description="找企：让政策找到它要找的企业")
    commands = parser.add_subparsers(dest="command", required=True, metavar="命令")
    for name, command in COMMANDS.items():
        command.arguments(commands.add_parser(name, help=command.purpose, description=command.purpose))
    given = parser.parse_args(argv)
    try:
        return COMMANDS[given.command].run(given)
    except BrokenPipeError:  # the reader has seen enough
        sys.stderr.close()
        return DONE


def say(value: Any) -> None:
    """One JSON object on a line of its own."""
    from contracts.rules import dumps

    print(dumps(value))


def complain(*problems: str) -> int:
    """What is wrong with the content, and where."""
    for problem in problems:
        print(problem, file=sys.stderr)
    return BAD_CONTENT


# --------------------------------------------------------------------------------------------------- match, explain, check


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} 不是日期；应写成 2025-06-30") from error


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"没有文件 {text}")
    return path


def _files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--benefits", type=_file, required=True, metavar="B.json", help="事项文件：JSON 数组")
    parser.add_argument("--enterprises", type=_file, required=True, metavar="E", help="企业文件：.jsonl、.parquet 或 .csv")
    parser.add_argument("--as-of", type=_day, required=True, metavar="2025-06-30", help="以哪一天为准")


def _match_arguments(parser: argparse.ArgumentParser) -> None:
    _files(parser)
    parser.add_argument("--json", action="store_true", help="输出 JSON Lines（本来如此）")
    parser.add_argument("--list", action="store_true", help="列出各类企业的统一社会信用代码")


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    _files(parser)
    parser.add_argument("--uscc", required=True, help="要解释的企业")
    parser.add_argument("--benefit", metavar="ID", help="只解释这一个事项")
    parser.add_argument("--json", action="store_true", help="每行一个判定（JSON，供程序读）；不给时用中文逐条说明")


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--benefits", type=_file, required=True, metavar="B.json", help="事项文件：JSON 数组")
    parser.add_argument("--json", action="store_true", help="输出 JSON Lines（本来如此）")


def _read(given: argparse.Namespace) -> tuple[list[Any], Iterator[Any], Any, Any]:
    """The benefits, and the enterprises one by one. Raises BadContent, also while they are taken."""
    from contracts.registry import load_figures, load_registry
    from contracts.uscc import uscc_problem
    from services.policy_match import sources

    registry, figures = load_registry(), load_figures()

    def enterprises() -> Iterator[Any]:
        unlisted: set[str] = set()
        unsound = 0
        for enterprise in sources.enterprises_in(given.enterprises, registry):
            unlisted.update(sources.unlisted(enterprise, registry))
            unsound += uscc_problem(enterprise.uscc) is not None
            yield enterprise
        for name in sorted(unlisted):
            print(f"注意：{given.enterprises}：登记册没有 “{name}”，已忽略", file=sys.stderr)
        if unsound:
            print(f"注意：{given.enterprises}：{unsound} 个统一社会信用代码不合 GB 32100-2015", file=sys.stderr)

    return sources.read_benefits(given.benefits, registry), enterprises(), registry, figures


def _match(given: argparse.Namespace) -> int:
    from contracts.rules import facts_of
    from services.policy_match.domain.amount import interval
    from services.policy_match.domain.cohort import verdicts
    from services.policy_match.domain.distinct import clauses_of, constant
    from services.policy_match.domain.gathering import columns_of
    from services.policy_match.domain.interpreter import Scope
    from services.policy_match.domain.matches import City, ranked
    from services.policy_match.sources import BadContent

    try:
        benefits, enterprises, registry, figures = _read(given)
        columns = columns_of(enterprises, registry, names=facts_of(tuple(benefits)) | {"judgement"})
    except BadContent as error:
        return complain(*error.problems)
    population = ranked(benefits, [City(columns)], as_of=given.as_of, registry=registry, figures=figures)
    found = verdicts(clauses_of(benefits), columns, as_of=given.as_of, registry=registry, figures=figures, population=population)
    for n, benefit in enumerate(benefits):
        lists = {state: [columns.usccs[row] for row in rows] for state, rows in found.rows_by_outcome(n).items()}
        paid = found.rows_eligible(n).tolist() if benefit.pays in (None, "money") else []
        names = facts_of((benefit.amount,)) | {"judgement"}
        same = constant(benefit.amount)  # then the first stands for all
        standings = population.standings if population else None
        scopes = (
            Scope(columns.enterprise(row, names), given.as_of, registry, figures, benefit.id, standings)
            for row in (paid[:1] if same else paid)
        )
        amounts = [interval(benefit.amount, scope) for scope in scopes] * (len(paid) if same else 1)
        highs = [amount.high for amount in amounts if amount.high is not None]
        low, high = (sum(ends, start=Decimal("0.00")) for ends in ((amount.low for amount in amounts), highs))
        line: dict[str, Any] = {"benefit": benefit.id, **{state: len(usccs) for state, usccs in lists.items()}}
        line["amount"] = {"low": str(low), "high": str(high) if len(highs) == len(amounts) else None}
        if given.list:
            line["lists"] = lists
        say(line)
    return DONE


def _explain(given: argparse.Namespace) -> int:
    from services.policy_match.domain import decide, rank_population
    from services.policy_match.domain.wording import explained
    from services.policy_match.sources import BadContent

    sought: list[Any] = []

    def passing(enterprises: Iterator[Any]) -> Iterator[Any]:
        for enterprise in enterprises:
            if enterprise.uscc == given.uscc:
                sought.append(enterprise)
            yield enterprise

    try:
        benefits, enterprises, registry, figures = _read(given)
        chosen = [benefit for benefit in benefits if given.benefit in (None, benefit.id)]
        every = passing(enterprises)
        population = rank_population(chosen, every, as_of=given.as_of, registry=registry, figures=figures)
        deque(every, maxlen=0)  # where nothing is ranked nobody was looked at yet, and a fault in the file is to be told
    except BadContent as error:
        return complain(*error.problems)
    if not sought:
        return complain(f"{given.enterprises}：没有 --uscc 所指的企业；请核对代码")
    if not chosen:
        return complain(f"{given.benefits}：没有 id 为 “{given.benefit}” 的事项")
    enterprise = sought[0]
    for benefit in chosen:
        if given.json:
            say(decide(benefit, enterprise, as_of=given.as_of, registry=registry, figures=figures, population=population))
        else:
            _tell(benefit, explained(benefit, enterprise, as_of=given.as_of, registry=registry, figures=figures, population=population))
    return DONE


def _tell(benefit: Benefit, decision: Decision) -> None:
    """One decision for a person: the outcome, each requirement with the clause's words, the sum, what to do."""
    words = decision.in_words
    assert words is not None
    marks = {"true": "√", "false": "×", "unknown": "？"}
    print(f"【{benefit.title or benefit.id}】{benefit.policy or ''}")
    print(f"  结论：{words.summary}")
    for reason in words.reasons:
        indent = "  " * (reason.depth + 1)
        print(f"{indent}{marks[reason.outcome]} {reason.sentence}{f'（{reason.source}）' if reason.source else ''}")
        if reason.quote:
            print(f"{indent}   依据{reason.article or '原文'}：“{reason.quote}”")
    print(f"  金额：{words.amount}")
    for step in words.next:
        print(f"  下一步：{step}")
    print()


def _check(given: argparse.Namespace) -> int:
    from contracts.registry import load_figures, load_registry
    from contracts.rules import RuleError, parse_benefit
    from services.policy_match.domain import check
    from services.policy_match.sources import BadContent, benefit_name, raw_benefits

    try:
        raw = raw_benefits(given.benefits)
    except BadContent as error:
        return complain(*error.problems)
    read: list[Any] = []
    for one in raw:
        try:
            read.append(parse_benefit(one))
        except RuleError as error:
            read.append(error)
    benefits = [one for one in read if not isinstance(one, RuleError)]
    sound = True
    for position, one in enumerate(read):
        name = benefit_name(raw[position], position)
        if isinstance(one, RuleError):
            errors = [{"code": "schema", **problem._asdict()} for problem in one.problems]
            line = {"benefit": name, "ok": False, "errors": errors, "warnings": [], "open_facts": [], "cases_passed": 0}
        else:
            report = check(one, registry=load_registry(), figures=load_figures(), others=benefits)
            errors = [problem._asdict() for problem in report.errors]
            if sum(one.id == other.id for other in benefits) > 1:
                errors.append({"code": "duplicate-id", "at": "id", "problem": f"id “{one.id}” 重复", "hint": "每个事项的 id 应唯一"})
            line = {
                "benefit": name,
                "ok": not errors,
                "errors": errors,
                "warnings": [warning._asdict() for warning in report.warnings],
                "open_facts": report.open_facts,
                "cases_passed": report.cases_passed,
            }
        say(line)
        for problem in errors:
            sound = False
            complain(f"{given.benefits}：{name}：{problem['at'] or '（根）'}：{problem['problem']}；{problem['hint']}")
    return DONE if sound else BAD_CONTENT


# ------------------------------------------------------------------------------------------------------------ read, benefits


def _documents(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=_file, nargs="+", metavar="FILE", help="官方文件")
    parser.add_argument("--json", action="store_true", help="输出 JSON Lines（本来如此）")


def _read_documents(given: argparse.Namespace) -> int:
    import asyncio

    from services.ingest.domain.decoding import NotADocument
    from services.ingest.domain.result import to_json
    from services.ingest.sandbox import read_safely

    async def each() -> int:
        worst = DONE
        for path in given.files:
            try:
                read = await read_safely(path.read_bytes(), path.name)
            except NotADocument as error:
                worst = complain(f"{path}：{error}")
                continue
            for note in read.notes:
                complain(f"{path}：{note}")
            say(to_json(read.reading))
        return worst

    return asyncio.run(each())


def _read_benefits(given: argparse.Namespace) -> int:
    from services.catalog.domain.drafts import Document
    from services.catalog.domain.listing import benefits
    from services.ingest.domain.decoding import NotADocument
    from services.ingest.domain.reading import read
    from services.ingest.domain.text import lines_of

    worst = DONE
    for path in given.files:
        try:
            reading = read(path.read_bytes(), name=path.name)
        except NotADocument as error:
            worst = complain(f"{path}：{error}")
            continue
        of = reading.document
        title = of.enclosed[0] if of.enclosed else of.title
        days = (of.issue_date, of.valid_from, of.valid_to)
        issued, begins, ends = (date.fromisoformat(day[0]) if day else None for day in days)
        header = Document(
            title=title.text if title else path.stem,
            issuer=of.issuer.text if of.issuer else None,
            doc_number=of.doc_number.text if of.doc_number else None,
            issue_date=issued,
            valid_from=begins,
            valid_to=ends,
        )
        page = "</" in reading.raw  # of a page the printed lines, of a text every character as it stands, so that quotes occur in it
        say(benefits("\n".join(line.s for line in lines_of(reading.raw)) if page else reading.raw, header))
    return worst


# ------------------------------------------------------------------------------------------------------------ up, demo, keys


def _up_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kafka", action="store_true", help="用真正的 Apache Kafka（需要 Java 与 Maven）代替内存中的中间件")
    parser.add_argument("--var", type=Path, default=Path("var/up"), metavar="DIR", help="数据、日志与地址所在的文件夹")


def _up(given: argparse.Namespace) -> int:
    import signal

    from contracts.topics import TOPICS
    from deploy.embedded import Platform
    from deploy.processes import StartError

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # from the first moment on: what was started is stopped in order
    try:
        with Platform(given.var, TOPICS, with_kafka=given.kafka) as platform:
            print(f"broker        {platform.bootstrap}  ({platform.broker})", file=sys.stderr)
            for name, url in platform.urls.items():
                print(f"{name:<13} {url}/docs", file=sys.stderr)
            print(f"地址也写在 {given.var / 'run.json'}；按 Ctrl-C 停止", file=sys.stderr)
            signal.pause()
    except KeyboardInterrupt:
        return DONE
    except StartError as error:
        return complain(str(error))
    return DONE


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--docs", type=Path, metavar="DIR", help="文件所在的文件夹；不给时用自拟的样例")
    parser.add_argument("--out", type=Path, default=Path("demo.json"), metavar="demo.json", help="结果写到哪里")
    parser.add_argument("--var", type=Path, default=Path("var/demo"), metavar="DIR", help="数据、日志与追踪所在的文件夹")
    parser.add_argument("--kafka", action="store_true", help="用真正的 Apache Kafka")
    parser.add_argument("--enterprises", type=int, default=2000, metavar="N", help="合成企业的家数")
    parser.add_argument("--seed", type=int, default=1, help="合成城市的种子")


def _demo(given: argparse.Namespace) -> int:
    from deploy.demo import SAMPLES, run
    from deploy.processes import StartError

    try:
        return run(
            docs=given.docs or SAMPLES, out=given.out, var=given.var, with_kafka=given.kafka, count=given.enterprises, seed=given.seed
        )
    except StartError as error:
        return complain(str(error))


def _city_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--enterprises", type=_count, required=True, metavar="N", help="合成企业的家数")
    parser.add_argument("--seed", type=int, default=1, help="同一种子得到同一座城市")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="写到哪个文件夹")
    parser.add_argument("--as-of", type=_day, metavar="2025-06-30", help="以哪一天为准；不给时为 2025-06-30")
    parser.add_argument("--format", choices=("jsonl", "parquet"), default="jsonl", help="企业文件的形式")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} 不是家数；应为正整数")
    return int(text)


def _city(given: argparse.Namespace) -> int:
    from deploy.known_answers import DAY, write_city

    try:
        write_city(given.out, count=given.enterprises, seed=given.seed, as_of=given.as_of or DAY, form=given.format)
    except OSError as error:
        return complain(f"{given.out}：无法写入：{error.strerror or error}；请换一个可写的文件夹")
    return DONE


def _keys_arguments(parser: argparse.ArgumentParser) -> None:
    from services.chassis.auth import KINDS

    parser.add_argument("action", choices=("create",), help="create：新建一个密钥，只显示一次")
    parser.add_argument("--principal", choices=KINDS, required=True, help="谁：平台、经办人、部门、企业、运维")
    parser.add_argument("--name", default="", help="名称，写进历史记录")
    parser.add_argument("--scopes", required=True, help="权限，逗号分隔")
    parser.add_argument("--department", default="", help="经办人或部门所属")
    parser.add_argument("--roles", default="", help="经办人的角色，逗号分隔：editor,reviewer,publisher")
    parser.add_argument("--uscc", default="", help="企业的统一社会信用代码")
    parser.add_argument("--days", type=int, metavar="N", help="多少天后过期")
    parser.add_argument("--var", type=Path, default=Path("var/up"), metavar="DIR", help="zhaoqi up 的文件夹")


def _keys(given: argparse.Namespace) -> int:
    import asyncio
    import json
    import os
    from datetime import timedelta

    from deploy.keys import BadPrincipal, create_key
    from services.chassis import clock
    from services.chassis.auth import Principal

    run, secret = given.var / "run.json", given.var / "secret"
    if not run.is_file():
        return complain(f"没有 {run}：先运行 zhaoqi up，或用 --var 指出它的文件夹")
    databases = {name: service["database"] for name, service in json.loads(run.read_text("utf-8"))["services"].items()}
    principal = Principal(
        given.principal,
        given.name or given.department or given.uscc or given.principal,
        frozenset(filter(None, given.scopes.split(","))),
        department=given.department,
        uscc=given.uscc,
        roles=frozenset(filter(None, given.roles.split(","))),
    )
    expires = clock.now() + timedelta(days=given.days) if given.days else None
    try:
        key = asyncio.run(
            create_key(databases, principal, secret=os.environ.get("ZHAOQI_SECRET") or secret.read_text("utf-8"), expires_at=expires)
        )
    except BadPrincipal as error:
        complain(str(error))
        return WRONG_USE
    except OSError as error:
        return complain(f"{run} 所写的数据库没有应答（{type(error).__name__}）：请确认 zhaoqi up 仍在运行")
    print(key)
    return DONE


def _package_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="动作")
    actions.add_parser("key", help="本地签名私钥对应的公钥；没有设置私钥时新建一对")
    export = actions.add_parser("export", help="从目录服务导出一份文件及其事项，写成签名的政策包")
    export.add_argument("document", help="文件编号")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="写到哪个文件")
    export.add_argument("--version", type=int, metavar="N", help="文件的版本；不给时为最新")
    export.add_argument("--drafts", action="store_true", help="连同未发布的最新版本")
    for name, purpose in (("verify", "核验政策包：签名、内容、版本；不连任何服务"), ("import", "把政策包导入目录服务，成为待审核的草稿")):
        actions.add_parser(name, help=purpose).add_argument("file", type=_file, help="政策包")


def _package(given: argparse.Namespace) -> int:
    from deploy import packages

    try:
        match given.action:
            case "key":
                say(packages.key())
            case "export":
                given.out.write_bytes(packages.fetch(given.document, version=given.version, drafts=given.drafts))
            case "verify":
                found = packages.verify(given.file.read_bytes())
                told = {name: found.manifest.get(name) for name in ("issuer", "city", "exported_at", "language", "benefits", "origin")}
                say({"package": found.id, "signer": found.signer, "document": found.document.get("document")} | told)
            case "import":
                say(packages.send(given.file.read_bytes()))
    except packages.Failed as error:
        return complain(*error.lines)
    except OSError as error:
        return complain(f"{error.filename}：{error.strerror or error}")
    return DONE


COMMANDS: dict[str, Command] = {
    "match": Command("哪些企业符合哪些事项、共多少钱", _match_arguments, _match),
    "explain": Command("一家企业为什么符合、不符合或尚不能确定", _explain_arguments, _explain),
    "check": Command("事项能不能发布：结构、事实、类型、矛盾与用例", _check_arguments, _check),
    "read": Command("官方文件里的举措、数字与文件要素", _documents, _read_documents),
    "benefits": Command("官方文件里企业能得到的事项：对象、金额与条件", _documents, _read_benefits),
    "city": Command("合成一座城市：企业、规则与已知答案", _city_arguments, _city),
    "demo": Command("从文件到收件箱走完全程", _demo_arguments, _demo),
    "up": Command("在本机启动全部服务并保持运行", _up_arguments, _up),
    "keys": Command("为调用方新建接口密钥", _keys_arguments, _keys),
    "package": Command("政策包：签名导出、核验、导入别市的政策", _package_arguments, _package),
}


if __name__ == "__main__":
    sys.exit(main())
