"""Plant faults, one at a time, run the tests beside the changed file, and write docs/mutants.md.

`nox -s mutants` plants 72; `-- --count 10 --seed 3` others. A fault that the tests of its own room and the specs let
pass is shown to the whole fast suite before it counts as a survivor, with `--whole`. A test that fails counts only if
it passes once the fault is mended. With `--log FILE` what is found is noted there, and what stands there already is
not judged again, so that a run that was interrupted can go on.
"""

import argparse
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest
from equivalent import EQUIVALENT
from plant import CHANGES, ROOT, Fault, everywhere, plant

PAGE = ROOT / "docs" / "mutants.md"
PROCESSES = multiprocessing.get_context("forkserver")

LIMIT = 3600
"""Seconds for the tests of one fault. One test that hangs is ended by its own time limit, which counts as noticed."""

KIND = r'kind: Literal\["(\w+)"\]'
"""How a file says of what kind its class is."""

LISTED = r"\b(?:AGGREGATORS|STAGES|POSTPROCESSORS|ATTACKS|PROTOCOLS)\.(?:examples|kinds)\b"
"""How a test says that it tries whatever is listed."""

PRELOADED = ["torch", "torch.func", "sklearn.datasets", "pydantic", "matplotlib.figure"]
"""What tests import beside the package and the plugins of pytest: a process that has it begins seconds earlier."""

CONTROL = "tests/test_registry.py"
"""Tests that pass wherever tests can be run at all."""

NOTICED, SURVIVED = "noticed ", "SURVIVED"

INTRODUCTION = """# Planted faults

How much the fast tests notice is measured: `nox -s mutants` changes one expression of the package at a time (a
comparison flipped, a term dropped, a count off by one, a copy skipped, a wrong axis, a condition negated) in a copy,
and runs the tests. This page is what it wrote.

**{caught} of {all} faults are noticed.** {sorts}

## Survivors

{survivors}

## Drawn and not planted

What no test can notice, as nothing that the package promises becomes another (`tests/mutants/equivalent.py`).

{equivalent}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant, test, write; the exit status tells whether at least 95% were noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=72)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--log", type=Path)
    wish = parser.parse_args(arguments)
    known = (
        dict(map(parsed, wish.log.read_text(encoding="utf-8").splitlines())) if wish.log and wish.log.exists() else {}
    )
    places = Counter(map(named, everywhere()))
    if unclear := [change for change in EQUIVALENT if places[change] != 1]:
        print("\n".join(f"stands in {places[change]} places, and must in one: {change}" for change in unclear))
        return 2
    drawn = plant(wish.count, wish.seed)
    faults = [fault for fault in drawn if named(fault) not in EQUIVALENT]
    PROCESSES.set_forkserver_preload(PRELOADED)
    with tempfile.TemporaryDirectory() as folder:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(wish.jobs):
            place = copy(Path(folder) / str(number))
            copies.put(place)
        if fails(place, [CONTROL]):
            print(f"{CONTROL} fails in a copy without a fault")
            return 2

        def judge(fault: Fault) -> bool:
            if str(fault) in known:
                return known[str(fault)]
            place = copies.get()
            try:
                noticed = is_noticed(fault, place, whole=wish.whole)
            finally:
                copies.put(place)
            told = f"{NOTICED if noticed else SURVIVED} {fault}"
            print(told, flush=True)
            if wish.log:
                with wish.log.open("a", encoding="utf-8") as log:
                    log.write(f"{told}\n")
            return noticed

        with ThreadPoolExecutor(wish.jobs) as pool:
            noticed = list(pool.map(judge, faults))
    write(faults, noticed, [named(fault) for fault in drawn if named(fault) in EQUIVALENT])
    return 0 if sum(noticed) >= 0.95 * len(faults) else 1


def named(fault: Fault) -> str:
    """A fault as `EQUIVALENT` has it: without its line, which moves."""
    return f"{fault.path}: `{fault.before}` -> `{fault.after}`"


def parsed(line: str) -> tuple[str, bool]:
    """A line of the log: which fault, and whether it was noticed."""
    return line[len(NOTICED) + 1 :], line.startswith(NOTICED)


def copy(place: Path) -> Path:
    """The project, as it is in the working tree."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place / name)
    return place


def is_noticed(fault: Fault, place: Path, *, whole: bool) -> bool:
    """Whether some test fails with the fault in the copy at `place`, and passes without it."""
    path = place / fault.path
    right = path.read_text(encoding="utf-8")
    for tests in rounds(fault, place, whole=whole):
        path.write_text(fault.source(right), encoding="utf-8")
        try:
            failed = fails(place, tests)
        finally:
            path.write_text(right, encoding="utf-8")
        if failed and not fails(place, tests, "--last-failed", "--last-failed-no-failures=none"):
            return True
    return False


def rounds(fault: Fault, place: Path, *, whole: bool) -> list[list[str]]:
    """The tests nearest to the fault, those that name its file, the specs of its kind, its room, all specs, and all."""
    inside = Path(fault.path).relative_to("fedprop")
    mirror = Path("tests") / inside.parent / f"test_{inside.name}"
    room = Path("tests") / inside.parts[0] if len(inside.parts) > 1 else mirror
    named = [test for test in naming(inside, place) if test != mirror]
    found = [[mirror], named, [room], [Path("specs")], [Path("tests")] if whole else []]
    there = [[str(test) for test in tests if (place / test).exists()] for tests in found]
    concerned = kinds(inside, place)
    there.insert(2, ["specs", "-k", " or ".join(concerned)] if concerned else [])
    return [tests for tests in there if tests]


def kinds(inside: Path, place: Path) -> list[str]:
    """The kinds that a file of the package defines, or else those of the files that import it."""
    module = re.escape(".".join(("fedprop", *inside.with_suffix("").parts)))
    own = re.findall(KIND, (place / "fedprop" / inside).read_text(encoding="utf-8"))
    texts = (file.read_text(encoding="utf-8") for file in sorted((place / "fedprop").rglob("*.py")))
    return own or [
        kind for text in texts if re.search(rf"from {module} import", text) for kind in re.findall(KIND, text)
    ]


def naming(inside: Path, place: Path) -> list[Path]:
    """The test files that import the module, or name a kind or class that it defines; the shortest first.

    Where it defines a kind, those of its room that try all kinds are among them.
    """
    text = (place / "fedprop" / inside).read_text(encoding="utf-8")
    names = [*re.findall(r"^class ([A-Z]\w+)", text, re.MULTILINE), *re.findall(KIND, text)]
    module = re.escape(".".join(("fedprop", *inside.with_suffix("").parts)))
    wanted = re.compile("|".join([module, *(rf"\b{name}\b" for name in names)]))
    files = [file for room in ("tests", "specs") for file in (place / room).rglob("test_*.py")]
    found = [file for file in files if wanted.search(file.read_text(encoding="utf-8"))]
    if re.search(KIND, text):
        room = (place / "tests" / inside.parts[0]).rglob("test_*.py")
        found += [file for file in room if file not in found and re.search(LISTED, file.read_text(encoding="utf-8"))]
    return [file.relative_to(place) for file in sorted(found, key=lambda file: file.stat().st_size)]


def fails(place: Path, tests: Sequence[str], *again: str) -> bool:
    """Whether some fast test among these does; finding none to run is no failure."""
    if not again:
        shutil.rmtree(place / ".pytest_cache", ignore_errors=True)
    process = PROCESSES.Process(target=run_tests, args=(place, [*again, *tests]))
    process.start()
    process.join(LIMIT)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def run_tests(place: Path, arguments: Sequence[str]) -> None:
    """What a process does: run these tests of the copy at `place`, and tell how they ended."""
    os.chdir(place)
    sys.dont_write_bytecode = False
    os.environ.update(PYTHONPATH=str(place), FEDPROP_PROFILE="first")
    sys.path.insert(0, str(place))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os._exit(int(pytest.main(["-x", "-q", "-n", "0", "-m", "not slow and not proof", *arguments])))


def write(faults: Sequence[Fault], noticed: Sequence[bool], equivalent: Sequence[str]) -> None:
    """The page."""
    judged = list(zip(faults, noticed, strict=True))
    sorts = "; ".join(
        f"{what}: {sum(found for fault, found in judged if fault.what == what)}"
        f" of {sum(fault.what == what for fault in faults)}"
        for what in CHANGES
    )
    survivors = "\n".join(f"- {fault}" for fault, found in judged if not found) or "None."
    told = "\n".join(f"- {fault}: {EQUIVALENT[fault]}." for fault in equivalent) or "None."
    page = INTRODUCTION.format(
        caught=sum(noticed), all=len(faults), sorts=f"{sorts}.", survivors=survivors, equivalent=told
    )
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
