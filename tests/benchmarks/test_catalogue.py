"""Every kind is measured because it is listed, and what is told of it is what it took."""

import json

import pytest
import torch

from benchmarks import catalogue, run
from benchmarks.catalogue import candidates, held
from benchmarks.memory import apart, bytes_of, peak_extra
from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES, Mean, Median, WorkerMomentum

CPU = torch.device("cpu")


class Hungry(Mean):
    """A mean of a copy of its rows."""

    def combine(self, cohort, state):
        return super().combine(cohort.with_updates(cohort.updates.clone()), state)


def test_every_kind_is_measured():
    rows = catalogue.measure(n=12, d=50, passes=1)
    assert len(rows) == sum(len(family.kinds) for family in (AGGREGATORS, STAGES, POSTPROCESSORS))
    assert len({row["rule"] for row in rows}) == len(rows)
    assert all(row["remembers"] is not None for row in rows)
    assert all(0 < row["from"] <= row["times mean"] <= row["to"] and row["CPU, times mean"] > 0 for row in rows)


def test_what_the_server_knows_is_made_up_for_who_asks_and_for_nobody_else():
    found = dict(candidates())
    assert found["Median()"] == Median()
    assert {rule.kind for name, rule in found.items() if name.startswith(("FLTrust", "Zeno"))} == {"rooted"}


def _told(rule):
    return held(rule, torch.randn(50, 400_000))


@pytest.mark.skipif(peak_extra(int, CPU) is None, reason="memory is measured as Linux tells it")
def test_memory_beyond_the_input_is_told_and_what_is_remembered_is_told_apart():
    greedy, modest, momenta = (apart(_told, rule) for rule in (Hungry(), Mean(), WorkerMomentum(beta=0.5) >> Mean()))
    assert 1 <= greedy["memory"] < 1.2
    assert modest["memory"] < 0.2
    assert momenta["memory"] < 0.2
    assert momenta["remembers"] == pytest.approx(1, abs=0.01)


def test_what_takes_long_is_measured_on_few_columns_and_what_does_not_grow_with_them_on_all(monkeypatch):
    rows = torch.zeros(3, 200)
    seconds = {1: 9.0, 4: 1.0, 8: 1.2}
    monkeypatch.setattr(catalogue, "_spending", lambda spent, call: spent.append(seconds[call.args[0].shape[1]]))
    assert catalogue.bearable(Mean(), rows).shape == (3, 4)  # 1 s, and 50 times 0.2 s
    seconds[8] = 1.1
    assert catalogue.bearable(Mean(), rows) is rows


def test_a_state_is_counted_by_its_tensors():
    assert bytes_of(({7: torch.zeros(3)}, [torch.zeros(2, dtype=torch.float64)], None, 5)) == 12 + 16


def test_a_part_measured_later_takes_its_place_and_says_so(tmp_path):
    shown = "# Speed\n\n## Figures\n\n![speed-rules](speed-rules.png)\n"
    (tmp_path / "speed.md").write_text(shown)
    limits = {"copy_gb_per_s": 1.0, "gemm_float32_gflops": 1.0, "gemm_float64_gflops": 1.0}
    trained = {
        "trainer": "x",
        "model": "fang_dnn",
        "steps": 1,
        "data": "d",
        "clients": 1,
        "examples": 1,
        "failure": "f",
    }
    before = {"device": "cpu", "command": "c", "machine": run.machine(CPU), "versions": {}, "limits": limits}
    before |= {"aggregation": [], "sweeps": [], "own": {}, "rounds": {"rows": [trained], "absent": []}}
    (tmp_path / "speed.json").write_text(json.dumps(before))
    run.renew("catalogue", [{"rule": "Krum", "ms": 2.5}], "python -m it", tmp_path)
    page = (tmp_path / "speed.md").read_text()
    assert "## Catalogue\n\nThe full form" in page
    assert "Measured later than the rest, by `python -m it` on" in page
    assert "| Krum | 2.5 |" in page
    assert page.endswith("![speed-rules](speed-rules.png)\n")
