"""The table of CPU seconds adds up what tests used, by folder and by file."""

from types import SimpleNamespace

from tests import cpu


def report(nodeid, when, used):
    return SimpleNamespace(nodeid=nodeid, when=when, user_properties=[(cpu.NAME, used)] if when == "teardown" else [])


def test_files_and_folders_are_added_up():
    lines = []
    ran = [("specs/test_a.py::x", 1.0), ("specs/proofs/test_b.py::y[1]", 2.0), ("tests/verify/rules/test_c.py::z", 4.0)]
    reports = [report(nodeid, when, used) for nodeid, used in ran for when in ("call", "teardown")]
    terminal = SimpleNamespace(
        stats={"": reports[1::2], "passed": reports[::2]}, section=lines.append, line=lines.append
    )
    cpu.pytest_terminal_summary(terminal)
    assert lines == [
        "CPU seconds: 7",
        "     4.0  tests/verify",
        "     3.0  specs",
        "",
        "     4.0  tests/verify/rules/test_c.py",
        "     2.0  specs/proofs/test_b.py",
        "     1.0  specs/test_a.py",
        "",
    ]


def test_what_a_test_computes_is_counted():
    before = cpu.seconds()
    while cpu.seconds() == before:
        sum(range(10_000))
    assert cpu.seconds() > before


def test_each_report_of_an_end_carries_what_was_used():
    item = SimpleNamespace(stash={}, user_properties=[])
    cpu.pytest_runtest_setup(item)
    for when in ("call", "teardown"):
        hook = cpu.pytest_runtest_makereport(item, SimpleNamespace(when=when))
        next(hook)
    [(name, used)] = item.user_properties
    assert (name, used >= 0) == (cpu.NAME, True)
