"""What is installed from the wheel is whole: the demo runs from an empty folder, far from any checkout."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from services.cli import COMMANDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    """The wheel, built from what a clone holds: the files git knows or would take, no leftovers of an earlier build."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    clone, built = folder / "clone", folder / "built"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(built), str(clone)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    [wheel] = built.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, folder: Path) -> Path:
    """A fresh environment with the wheel and, from the running environment, only what it depends on. The folder of its programs."""
    home = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    command = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "--quiet", "--no-deps", "--no-index"]
    done = subprocess.run([*command, "--no-warn-script-location", str(wheel)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    # A folder named in a .pth joins the path, but the .pth files inside it, such as that of an editable checkout, are not read.
    own = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def environment() -> dict[str, str]:
    """This process's environment without what could lead back to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("ZHAOQI_", "OTEL_", "PYTHON"))}


def test_the_wheel_holds_what_the_program_reads_beside_its_code(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    read = ["contracts/registry.toml", "contracts/figures.toml", "deploy/kafka/pom.xml", "deploy/city.toml"]
    read += [f"deploy/samples/{path.name}" for path in (ROOT / "deploy" / "samples").iterdir()]
    read += [str(path.relative_to(ROOT)) for path in ROOT.glob("services/*/migrations/*.py")]
    assert [name for name in read if name not in names] == []
    assert [name for name in names if name.startswith("tests/")] == []


def test_its_command_runs_the_installed_code_and_not_a_checkout(installed: Path, folder: Path) -> None:
    where = "import contracts, deploy, services; print(contracts.__file__, deploy.__file__, services.__file__)"
    told = subprocess.run([installed / "python", "-c", where], cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    assert all(path.startswith(str(installed.parent)) for path in told.stdout.split())
    usage = subprocess.run([installed / "zhaoqi", "--help"], cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    assert all(name in usage.stdout for name in COMMANDS)


def test_the_demo_runs_from_the_wheel_in_an_empty_folder(installed: Path, folder: Path) -> None:
    empty = folder / "empty"
    empty.mkdir(mode=0o755)
    ended = subprocess.run(
        [installed / "zhaoqi", "demo", "--enterprises", "300"], cwd=empty, env=environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert {path.name for path in empty.iterdir()} == {"demo.json", "var"}
    demo = json.loads((empty / "demo.json").read_text("utf-8"))
    assert demo["messages"]["delivered"] == demo["messages"]["expected"] > 0
