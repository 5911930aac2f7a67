import json
import shutil

import pytest

from fedprop.errors import StoreError
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.runner import run
from fedprop.experiments.store import RunStore
from fedprop.experiments.sweep import CellResult, Sweep, cell_folder, cells, note_of, run_sweep
from fedprop.report.publish import publish, tables, view

BASE = {"rounds": 2, "clients": 6, "data": {"kind": "digits"}, "model": {"kind": "logistic_regression"}}
AXES = {
    "rule": {"Mean": {"defense": {"kind": "mean"}}, "Median": {"defense": {"kind": "median"}}},
    "attack": {"Nobody": {}, "Flip": {"attack": {"kind": "sign_flip", "share": 0.2}}},
}


def a_sweep(**settings):
    paper = {"source": "Somebody 2020, Table 1", "values": {"Mean": {"Nobody": 0.25}}}
    return Sweep(**{"name": "small", "base": BASE, "axes": AXES, "paper": paper, "notes": "a note", **settings})


def result(cell, error):
    return CellResult(cell, numbers(test_error=error))


def numbers(**values):
    return {"numbers": {name: {"label": name, "value": value, "text": ""} for name, value in values.items()}}


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run(Experiment(**BASE, name="mine", attack={"kind": "gaussian", "share": 0.4}), out=folder)
    return folder


@pytest.fixture(scope="module")
def finished_sweep(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    run_sweep(a_sweep(), folder)
    return folder


def test_a_view_holds_what_the_store_holds(finished_run):
    store = RunStore(finished_run)
    shown = view(store)
    assert shown.label == "mine"
    assert shown.config == store.meta("settings")
    assert shown.summary["rounds"] == len(shown.rounds) == 2
    assert shown.events == store.events()
    assert len(shown.compromised) == 2


def test_the_page_of_a_run(finished_run):
    page = publish(finished_run)
    assert page == finished_run / "report.html"
    text = page.read_text(encoding="utf-8")
    assert "mine" in text
    assert (
        "<p>mean · gaussian, 2 of 6 clients compromised; the rule tolerates 0 · synchronous · 0 failed rounds" in text
    )
    assert '<p class="flag warning">Warning: 2 of 6 clients are compromised, and the rule tolerates 0</p>' in text
    assert json.loads((finished_run / "trace.json").read_text())


def test_the_page_of_a_run_that_is_not_finished(tmp_path):
    store = RunStore(tmp_path)
    store.create(settings=Experiment(**BASE).model_dump(mode="json"))
    assert publish(tmp_path).is_file()
    assert view(store).summary == {}
    assert view(store).compromised == frozenset()


def test_the_page_of_a_sweep_links_the_pages_of_its_cells(finished_sweep):
    cell = cell_folder(finished_sweep, cells(a_sweep())[0])
    assert 'href="cells/' not in publish(finished_sweep).read_text(encoding="utf-8")
    publish(cell)
    text = publish(finished_sweep).read_text(encoding="utf-8")
    assert 'href="cells/mean-nobody-seed0/report.html"' in text
    assert "Somebody 2020, Table 1" in text
    assert "a note" in text


def test_the_page_of_a_sweep_that_is_not_finished(finished_sweep, tmp_path):
    folder = shutil.copytree(finished_sweep, tmp_path / "copy")
    shutil.rmtree(cell_folder(folder, cells(a_sweep())[1]))
    assert publish(folder).is_file()


def test_there_must_be_something_to_publish(tmp_path):
    with pytest.raises(StoreError, match="holds neither a run nor a sweep"):
        publish(tmp_path)
    with pytest.raises(StoreError, match="holds neither a run nor a sweep"):
        publish(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["{", "\x00"])
def test_a_damaged_note_is_refused(tmp_path, text):
    (tmp_path / "sweep.json").write_text(text)
    with pytest.raises(StoreError, match=r"sweep.json cannot be read"):
        publish(tmp_path)


def test_a_note_that_is_no_sweep_is_refused(tmp_path):
    (tmp_path / "sweep.json").write_text("{}")
    with pytest.raises(StoreError, match=r"sweep.json is damaged, or of another version of fedprop, at 'name'"):
        publish(tmp_path)


OWN = """
from pathlib import Path
from fedprop.aggregators import Mean
Path("ran").touch()

class Own(Mean):
    kind: str = "own"
"""


def test_publishing_runs_nothing_that_a_folder_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    own = {"rule": {"Own": {"defense": {"kind": "own.py:Own"}}}, "attack": {"Nobody": {}}}
    [result] = run_sweep(a_sweep(axes=own, paper={}), tmp_path / "sweep")
    (tmp_path / "own.py").write_text(f"{OWN}# changed\n")
    (tmp_path / "ran").unlink()
    for folder in (tmp_path / "sweep", cell_folder(tmp_path / "sweep", result.cell)):
        assert "own.py:Own" in publish(folder).read_text(encoding="utf-8")
    assert not (tmp_path / "ran").exists()


def test_labels_are_text_and_nothing_else(tmp_path):
    odd = {"rule": {"<script>alert(1)</script>": {}, "$\\frac$ & 5": {}}, "../../up": {"{{ 7 * 7 }}": {}}}
    run_sweep(a_sweep(axes=odd, notes="<b>", paper={}), tmp_path / "sweep")
    text = publish(tmp_path / "sweep").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "<b>" not in text
    assert "49" not in text.split("</style>")[1].split("data:")[0]
    assert [path.name for path in tmp_path.iterdir()] == ["sweep"]


def test_a_damaged_cell_is_a_failed_one(finished_sweep, tmp_path):
    folder = shutil.copytree(finished_sweep, tmp_path / "copy")
    (cell_folder(folder, cells(a_sweep())[0]) / "run.sqlite").write_bytes(b"no database" * 100)
    text = publish(folder).read_text(encoding="utf-8")
    assert "Mean, Nobody, seed 0 failed: " in text
    assert "run.sqlite cannot be read: file is not a database" in text


def test_a_run_that_failed_says_so_first(tmp_path):
    class Faulty:
        def on_event(self, event):
            raise ZeroDivisionError("oh")

    with pytest.raises(ZeroDivisionError):
        run(Experiment(**BASE), out=tmp_path, watchers=[Faulty()])
    told = "This run is no result: not finished: it ended after 0 rounds with: ZeroDivisionError: oh"
    assert told in publish(tmp_path).read_text(encoding="utf-8")


def test_a_table_holds_every_trial_and_the_papers_numbers():
    sweep = a_sweep(seeds=[0, 1])
    results = [result(cell, error / 10) for error, cell in enumerate(cells(sweep))]
    [table] = tables(note_of(sweep), results)
    assert (table.title, table.rows, table.columns) == ("small", ("Mean", "Median"), ("Nobody", "Flip"))
    assert table.ours == {
        ("Mean", "Nobody"): (0.0, 0.1),
        ("Mean", "Flip"): (0.2, 0.3),
        ("Median", "Nobody"): (0.4, 0.5),
        ("Median", "Flip"): (0.6, 0.7),
    }
    assert table.paper == {("Mean", "Nobody"): 0.25}
    assert (table.source, table.notes) == ("Somebody 2020, Table 1", "a note")


def test_further_axes_make_further_tables():
    sweep = a_sweep(axes={**AXES, "pace": {"slow": {}, "fast": {}}, "data": {"digits": {}}})
    results = [result(cell, 0.5) for cell in cells(sweep) if cell.labels[2] == "fast"]
    slow, fast = tables(note_of(sweep), results)
    assert (slow.title, fast.title) == ("small, slow, digits", "small, fast, digits")
    assert slow.ours == {}
    assert len(fast.ours) == 4


def test_failed_trials_are_marked_with_their_reason():
    sweep = a_sweep(seeds=[0, 1])
    ended = [("", 0.25), ("stood still", None), ("no memory", None), ("no memory", None)]
    results = [
        CellResult(cell, numbers(test_error=error), failure)
        for cell, (failure, error) in zip(cells(sweep), ended, strict=False)
    ]
    [table] = tables(note_of(sweep), results)
    assert table.ours == {("Mean", "Nobody"): (0.25,)}
    assert [str(table.cell("Mean", column)) for column in table.columns] == ["0.25 (1 of 2 failed)", "failed"]
    assert str(table.cell("Median", "Nobody")) == "–"
    assert table.reasons == (
        "Mean, Nobody, seed 1 failed: stood still",
        "Mean, Flip, seed 0; Mean, Flip, seed 1 failed: no memory",
        "Median, Nobody, seed 0; Median, Nobody, seed 1; and 2 more missing: not run to its end yet",
    )


def test_a_mean_over_fewer_trials_than_the_sweep_has_says_so():
    """One trial has no such number, one has not run yet; where no trial has the number there is nothing to excuse."""
    sweep = a_sweep(seeds=[0, 1, 2], measures=["client_auc"])
    ended = [0.25, None, None, None, None, None, 0.5, 0.75, 0.5, 0.5]
    results = [
        CellResult(cell, {} if value is None else numbers(client_auc=value))
        for cell, value in zip(cells(sweep), ended, strict=False)
    ]
    [table] = tables(note_of(sweep), results)
    shown = [str(table.cell(row, column)) for row in table.rows for column in table.columns]
    assert shown == ["0.25 (2 of 3 missing)", "–", "0.58 ± 0.14", "0.50 (2 of 3 missing)"]
    label = table.value
    assert table.reasons == (
        f"Mean, Nobody, seed 1; Mean, Nobody, seed 2 missing: the run has no {label}",
        "Median, Flip, seed 1; Median, Flip, seed 2 missing: not run to its end yet",
    )
    assert table.cell("Mean", "Nobody").partial
    assert not table.cell("Mean", "Flip").partial


def test_a_sweep_of_seeds_alone_has_a_table_of_one_cell():
    sweep = a_sweep(axes={}, seeds=[0, 1], paper={})
    results = [result(cell, 0.25) for cell in cells(sweep)]
    [table] = tables(note_of(sweep), results)
    assert (table.rows, table.columns, table.ours) == (("small",), ("all",), {("small", "all"): (0.25, 0.25)})


def test_every_measure_has_tables_of_its_own_and_the_paper_speaks_of_the_first():
    sweep = a_sweep(measures=["epsilon", "test_error"])
    results = [CellResult(cell, numbers(test_error=0.5, epsilon=8.0)) for cell in cells(sweep)]
    epsilon, error = tables(note_of(sweep), results)
    assert (epsilon.title, epsilon.value) == ("small", "epsilon spent")
    assert (error.title, error.value) == ("small, test error", "test error")
    assert set(epsilon.ours.values()) == {(8.0,)}
    assert set(error.ours.values()) == {(0.5,)}
    assert (epsilon.paper, error.paper) == ({("Mean", "Nobody"): 0.25}, {})
    assert (epsilon.source, error.source) == ("Somebody 2020, Table 1", "")


def test_runs_without_a_measure_leave_gaps():
    sweep = a_sweep(measures=["client_auc"])
    [table] = tables(note_of(sweep), [result(cell, 0.5) for cell in cells(sweep)])
    assert table.ours == {}


def test_a_measure_nobody_takes_is_refused():
    with pytest.raises(ValueError, match="test_error"):
        a_sweep(measures=["beauty"])
    with pytest.raises(ValueError, match="at least 1"):
        a_sweep(measures=[])


def test_curves_stand_with_the_first_measure_alone(tmp_path):
    folder = tmp_path / "sweep"
    run_sweep(a_sweep(measures=["test_error", "test_accuracy"]), folder)
    assert publish(folder).read_text(encoding="utf-8").count("Accuracy by round") == 1
    drawn = {path.stem for path in folder.glob("*.png")}
    courses = {"panels_by_round_1", "panels_over_time_1", "numbers_by_round_1"}
    assert drawn == {"table_1", "table_2", "diversity_1", *courses}


def test_numbers_of_runs_with_too_many_compromised_are_marked(finished_sweep):
    sweep = a_sweep()
    results = [CellResult(cell, RunStore(cell_folder(finished_sweep, cell)).meta("summary")) for cell in cells(sweep)]
    [table] = tables(note_of(sweep), results)
    assert table.marks == {
        ("Mean", "Nobody"): "",
        ("Mean", "Flip"): "°",
        ("Median", "Nobody"): "",
        ("Median", "Flip"): "",
    }
    assert str(table.cell("Mean", "Flip")).endswith("°")
    assert table.legend == ("° more clients compromised, or updates of theirs in a round, than the rule tolerates",)
