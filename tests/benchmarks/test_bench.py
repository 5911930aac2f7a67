"""The whole bench, from the command line to the files, on sizes that say nothing about speed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

import fedprop.bench
from benchmarks import contenders, plots, run
from benchmarks.table import duration, page
from fedprop.cli import app
from fedprop.errors import InvalidConfig

HERE = {"device": "cpu", "quick": True, "peers": None, "data_dir": None, "command": "x", "say": str}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What `fedprop bench --quick` writes, by file name."""
    folder = tmp_path_factory.mktemp("bench")
    done = CliRunner().invoke(app, ["bench", "--quick", "--out", str(folder)], env={"FEDPROP_DATA_DIR": ""})
    assert done.exit_code == 0, done.output
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture
def results(written):
    return json.loads(written["speed.json"].read_text())


@pytest.mark.slow
def test_the_json_holds_all_parts(results):
    assert {"command", "machine", "versions", "limits", "aggregation", "sweeps", "own", "rounds"} <= results.keys()
    assert set(results["limits"]) == {"copy_gb_per_s", "gemm_float32_gflops", "gemm_float64_gflops"}
    for record in results["aggregation"]:
        assert {"rule", "n", "f", "d", "library", "call", "seconds", "times_fedprop", "error"} <= record.keys()
    trained = {r["trainer"]: r for r in results["rounds"]["rows"]}
    assert {"fedprop", "plain loop", "two processes"} == trained.keys()
    assert all("failure" not in record for record in trained.values()), trained


@pytest.mark.slow
def test_who_is_compared_in_training_has_trained_as_much(results):
    losses = [record["loss"] for record in results["rounds"]["rows"]]
    assert max(losses) - min(losses) < 0.02
    assert max(losses) < 2.28  # 2.303 before the first step


@pytest.mark.slow
def test_the_page_names_everybody_present_and_absent(written):
    text = written["speed.md"].read_text()
    for words in ("**fedprop** Median()", "numpy partition", "plain loop", "Flower", "GFLOP/s", "n = 11, f = 2"):
        assert words in text
    for name in ("speed-rules.png", "speed-cost.png", "speed-rounds.png"):
        assert name in text
        assert written[name].read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_failures_memory_and_own_records_reach_the_page(results):
    first = results["rounds"]["rows"][0]
    results["rounds"]["rows"][0] = {**first, "peak_bytes": 2.5e9}
    results["rounds"]["rows"][1] = {k: first[k] for k in ("model", "steps", "data")} | {
        "trainer": "plain loop",
        "failure": "KeyError: 'x'",
    }
    results["aggregation"][1] |= {"failure": "needs 32 GB"}
    results["own"] = {"event_loop": [{"clients": 100, "value": 20000.0}, {"clients": 1000, "seconds": [1]}]}
    text = page(results)
    assert "2.50 GB" in text
    assert "| failed | needs 32 GB |" in text
    assert "plain loop, Logistic regression: KeyError: 'x'" in text
    assert "## Event loop\n\n| clients | value |" in text
    assert "| 1000 |  |" in text


def test_everybody_who_may_be_compared_is_drawn():
    times = {"rule": "Krum", "n": 9, "d": 5, "call": "it()", "times_fedprop": {"median": 2.0, "low": 1.5, "high": 3.0}}
    figure = plots.rules_figure([times | {"library": library} for library in contenders.LIBRARIES])
    assert len(figure.axes[0].patches) == len(contenders.LIBRARIES) - 1  # as times fedprop's


def test_powers_of_ten_are_written_out_along_an_axis():
    line = {"rule": "Krum", "against": "d", "n": 20, "ds": [10**4, 10**6], "seconds": [0.1, 10.0], "exponent": 1.0}
    (axes,) = plots.cost_figure([line]).axes
    assert "10,000" in [label.get_text() for label in axes.get_xticklabels()]
    assert "10 s" in [label.get_text() for label in axes.get_yticklabels()]


def test_no_library_has_a_name_that_is_not_listed(monkeypatch):
    monkeypatch.setattr(contenders, "version_of", lambda name: "1")
    monkeypatch.setattr(contenders, "kernels_used", lambda which: lambda call: call)
    monkeypatch.setattr(contenders, "_byzfl", lambda rule, n, f: [("it()", sum)])
    monkeypatch.setattr(contenders, "_torchjd", lambda rule, n, f: [("it()", sum)])
    found = [c.library for c in contenders.contenders("trimmed mean", 9, 2, torch.device("cpu"))]
    assert tuple(dict.fromkeys(found)) == contenders.LIBRARIES


def test_measurements_are_there_though_a_figure_fails(monkeypatch, results, tmp_path):
    monkeypatch.setattr(plots, "rules_figure", lambda records: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run.write(results, tmp_path)
    assert json.loads((tmp_path / "speed.json").read_text())["aggregation"] == results["aggregation"]
    assert (tmp_path / "speed.md").exists()


def test_updates_per_second_are_drawn_where_they_are_known():
    figure = plots.updates_figure([{"clients": c, "value": 1e4, "what": "null", "busy": c} for c in (10, 100)])
    assert figure.axes[0].lines[0].get_xdata().tolist() == [10, 100]
    assert figure.axes[0].get_legend() is not None


def test_a_benchmark_cut_short_leaves_what_it_measured(monkeypatch, tmp_path):
    def stopped(*args, **settings):
        yield {"rule": "median", "n": 3, "f": 1, "d": 5, "library": "fedprop", "call": "Median()", "failure": "none"}

    def never(*args, **settings):
        raise InterruptedError

    whole = {name: f"an older, whole {name}" for name in ("speed.json", "speed.md")}
    for name, text in whole.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(run.aggregation, "measure", stopped)
    monkeypatch.setattr(run.sweeps, "measure", never)
    with pytest.raises(InterruptedError):
        fedprop.bench.bench(tmp_path, **HERE)
    left = json.loads((tmp_path / "speed-partial.json").read_text())
    assert left["unfinished"]
    assert [record["rule"] for record in left["aggregation"]] == ["median"]
    assert "Cut short" in (tmp_path / "speed-partial.md").read_text()
    assert {name: (tmp_path / name).read_text() for name in whole} == whole
    run.write({key: value for key, value in left.items() if key != "unfinished"}, tmp_path)
    assert [*tmp_path.glob("*partial*")] == []
    assert "Cut short" not in (tmp_path / "speed.md").read_text()


@pytest.mark.parametrize(("seconds", "text"), [(2.5, "2.5 s"), (0.0021, "2.1 ms"), (3e-5, "30 µs")])
def test_durations_are_read_easily(seconds, text):
    assert duration(seconds) == text


def test_modules_that_are_not_there_are_left_out():
    assert run.own(run.Part("no_such_part", {}, {}), quick=True, data_dir=None, say=str) == []


@pytest.mark.parametrize(("quick", "wanted", "turns"), [(True, None, 1), (False, None, 3), (True, 2, 2), (False, 5, 5)])
def test_everybody_takes_as_many_turns_as_are_asked_for(monkeypatch, quick, wanted, turns):
    asked = []
    for part in (run.aggregation, run.sweeps, run.rounds):
        monkeypatch.setattr(part, "measure", lambda *args, passes, **settings: asked.append(passes) or ())
    monkeypatch.setattr(run, "OWN", ())
    monkeypatch.setattr(run, "limits", lambda *args, **settings: {})
    list(run.measure(**{**HERE, "quick": quick}, passes=wanted))
    assert asked == [turns] * 3


@pytest.mark.parametrize(("quick", "rounds"), [(True, 1), (False, 9)])
def test_own_measurements_are_asked_for(monkeypatch, tmp_path, quick, rounds):
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(run.importlib, "import_module", lambda name: SimpleNamespace(measure=lambda **kw: [kw]))
    part = run.Part("training", {"rounds": 9}, {"rounds": 1}, on_data=True)
    assert run.own(part, quick=quick, data_dir=tmp_path, say=str) == [{"rounds": rounds, "data_dir": tmp_path}]
    assert run.own(part, quick=quick, data_dir=None, say=str) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"device": "tpu"}, "cpu or cuda"), ({"device": "cuda"}, "no CUDA device"), ({"peers": "none"}, "--peers")],
)
def test_wrong_options_are_refused_in_a_sentence(changes, words, tmp_path):
    if changes.get("device") == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    changes = {k: tmp_path / v if k == "peers" else v for k, v in changes.items()}
    with pytest.raises(InvalidConfig, match=words):
        fedprop.bench.bench(tmp_path, **{**HERE, **changes})


def test_without_the_source_tree_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(fedprop.bench, "ROOT", tmp_path)
    with pytest.raises(InvalidConfig, match="source tree"):
        fedprop.bench.bench(tmp_path, **HERE)


def test_another_package_called_benchmarks_is_not_taken_for_ours(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").touch()
    script = "import sys; from fedprop.bench import load; print(load().__file__, len(sys.path))"
    before = "import sys; print(len(sys.path))"
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(fedprop.bench.ROOT)])},
        ).stdout.split()
        for code in (script, before)
    ]
    assert Path(said[0][0]) == fedprop.bench.ROOT / "benchmarks" / "run.py"
    assert said[0][1] == said[1][0]
