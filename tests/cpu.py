"""CPU seconds of tests, by folder and by file: `pytest -p tests.cpu`, with or without processes side by side."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest

NAME = "cpu"
LISTED = 25
"""Files that are listed, those that took longest."""

BEGUN = pytest.StashKey[float]()


def seconds() -> float:
    """What this process has used so far, and those that it started and has waited for."""
    return sum(os.times()[:4])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[BEGUN] = seconds()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    if call.when == "teardown":
        item.user_properties.append((NAME, seconds() - item.stash[BEGUN]))
    return (yield)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    files: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "teardown":
                files[report.nodeid.partition("::")[0]] += dict(report.user_properties)[NAME]
    folders: Counter[str] = Counter()
    for file, used in files.items():
        folders["/".join(PurePosixPath(file).parts[:2][: 2 if file.startswith("tests/") else 1])] += used
    terminalreporter.section(f"CPU seconds: {sum(files.values()):.0f}")
    for counted in (folders.most_common(), files.most_common(LISTED)):
        for name, used in counted:
            terminalreporter.line(f"{used:8.1f}  {name}")
        terminalreporter.line("")
