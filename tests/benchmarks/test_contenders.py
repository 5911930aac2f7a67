"""Who is measured for a rule."""

from dataclasses import replace

import pytest
import torch

from benchmarks import aggregation
from benchmarks import contenders as module
from benchmarks.aggregation import RULES, Size, race, spread_rows
from benchmarks.contenders import FLOOR_CALL, OURS, contenders
from benchmarks.sweeps import lines, tolerated

CPU = torch.device("cpu")
SIZE = Size(11, 2, 50)


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """As where no other library is installed."""
    monkeypatch.setattr(module, "version_of", lambda name: None)


@pytest.mark.parametrize("rule", RULES)
def test_fedprop_comes_first_and_the_floor_last(rule):
    field = contenders(rule, 11, 2, CPU)
    assert (field[0].library, field[-1].name) == (OURS, FLOOR_CALL)


@pytest.mark.parametrize("rule", ["median", "trimmed mean"])
@pytest.mark.parametrize("n", [10, 11])
def test_plain_operations_compute_the_rule(rule, n):
    rows = spread_rows(Size(n, 2, 50), CPU)
    ours, *others = [c for c in contenders(rule, n, 2, CPU) if c.name not in ("median", FLOOR_CALL)]
    assert len(others) == 2
    for other in others:
        assert torch.allclose(other.call(rows), ours.call(rows), atol=1e-6)


def test_a_race_has_a_record_for_each_contender():
    rows = spread_rows(SIZE, CPU)
    found = race("median", SIZE, rows, rows, passes=2)
    assert [r["library"] for r in found] == ["fedprop", "numpy", "torch", "torch", "torch"]
    assert found[0]["times_fedprop"] == {"median": 1, "low": 1, "high": 1}
    assert found[0]["error"] == 0
    assert found[-1]["error"] is None
    assert all(len(r["seconds"]) == 2 for r in found)


def test_a_sweep_has_a_line_for_each_rule():
    found = lines("n", {"d": 20}, [Size(n, tolerated(n), 20) for n in (7, 8, 9)], CPU, 1)
    assert {"median", "Krum", "Bulyan", "column sum"} <= {line["rule"] for line in found}
    assert all(line["ns"] == [7, 8, 9] and len(line["seconds"]) == 3 for line in found)


def somebody(monkeypatch, **changes):
    """A race of the median against somebody with this call."""
    field = contenders("median", 11, 2, CPU)
    peer = replace(field[1], library="peer", **changes)
    monkeypatch.setattr(aggregation, "contenders", lambda *given: [field[0], peer])
    rows = spread_rows(SIZE, CPU)
    return race("median", SIZE, rows, rows, passes=1)


def test_who_fails_leaves_word_and_is_not_timed(monkeypatch):
    def fail(rows):
        raise IndexError("out of range")

    ours, peer = somebody(monkeypatch, call=fail)
    assert peer["failure"] == "IndexError: out of range"
    assert "seconds" not in peer
    assert "seconds" in ours


def test_who_needs_more_memory_than_there_is_is_not_called(monkeypatch):
    monkeypatch.setattr(aggregation, "free_bytes", lambda device: 10**4)
    _, peer = somebody(monkeypatch, copies=9, call=lambda rows: pytest.fail("called"))
    assert "needs" in peer["failure"]


def test_a_failure_of_fedprop_is_no_result(monkeypatch):
    field = contenders("median", 11, 2, CPU)
    monkeypatch.setattr(aggregation, "contenders", lambda *given: [replace(field[0], call=lambda rows: 1 / 0)])
    with pytest.raises(ZeroDivisionError):
        race("median", SIZE, spread_rows(SIZE, CPU), spread_rows(SIZE, CPU), passes=1)


def test_byzfl_mixing_is_known_to_copy_the_rows_many_times(monkeypatch):
    monkeypatch.setattr(module, "_byzfl", lambda rule, n, f: [("NNM(2)", len)])
    assert contenders("nearest-neighbour mixing", 11, 2, CPU)[1].copies == 9
