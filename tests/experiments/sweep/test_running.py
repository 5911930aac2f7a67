import pytest
import torch

from fedprop.errors import InvalidConfig, RunFailed, StoreError
from fedprop.experiments.runner import run, run_in
from fedprop.experiments.store import RunStore
from fedprop.experiments.sweep import SWEEP_FILE, cell_folder, cells, read_note, run_sweep, running
from fedprop.experiments.sweep.running import FAILURE_FILE, Job, run_job
from fedprop.folders import claimed


class Faulty:
    """A watcher that fails when the first round has closed."""

    def on_event(self, event):
        pass

    def on_round(self, record, snapshot):
        raise ZeroDivisionError


def test_running_fills_the_folder_and_tells_of_every_cell(small, tmp_path):
    told = []
    results = run_sweep(small(), tmp_path, on_cell=told.append)
    assert results == told
    assert [result.cell for result in results] == cells(small())
    assert all(0 <= result.summary["test_error"] <= 1 and not result.failure for result in results)
    assert read_note(tmp_path).config == small().model_dump(mode="json")
    assert sorted(path.name for path in (tmp_path / "cells").iterdir()) == sorted(r.cell.slug for r in results)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, small):
    """A folder in which the small sweep is finished, and how its cells ended."""
    folder = tmp_path_factory.mktemp("sweep")
    return folder, run_sweep(small(), folder)


@pytest.fixture
def failing(monkeypatch):
    """Makes the cells of some labels fail with an error, and counts all that run."""

    def fail(error, *labels):
        calls = []

        def run_or_fail(folder, experiment, **settings):
            calls.append(folder.name)
            if folder.name.startswith(labels):
                raise error
            return run_in(folder, experiment, **settings)

        monkeypatch.setattr(running, "run_in", run_or_fail)
        return calls

    return fail


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RunFailed("round 0 came to no end"), "round 0 came to no end"),
        (StoreError("another process is running in x"), "another process is running in x"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (MemoryError(), "MemoryError"),
        (SystemExit(0), "SystemExit: 0"),
        (InvalidConfig("`clients` must be at most 3"), "`clients` must be at most 3"),
    ],
)
def test_a_cell_that_fails_is_a_result_and_alone_is_tried_again(small, tmp_path, failing, error, reason):
    calls = failing(error, "mean-nobody", "krum-1-nobody")
    results = run_sweep(small(), tmp_path)
    assert [result.failure.startswith(reason) for result in results] == [True, False, True, False]
    assert [cell.failure.startswith(reason) for cell in read_note(tmp_path).cells] == [True, False, True, False]
    assert len(calls) == 4
    calls = failing(error)
    results = run_sweep(small(), tmp_path)
    assert calls == ["mean-nobody-seed0", "krum-1-nobody-seed0"]
    assert [(result.failure, result.kept) for result in results] == [("", False), ("", True)] * 2
    assert not any(cell.failure for cell in read_note(tmp_path).cells)


def test_where_an_unexpected_error_came_from_is_written_down(small, tmp_path, failing):
    failing(ZeroDivisionError("x"), "mean-nobody")
    result = run_sweep(small(), tmp_path)[0]
    file = cell_folder(tmp_path, result.cell) / FAILURE_FILE
    assert result.failure.endswith(f"see {file}")
    assert "run_or_fail" in file.read_text()


def test_a_cell_whose_rounds_all_failed_shows_no_number(small, tmp_path):
    hasty = {"Mean": {"policy": {"kind": "synchronous", "deadline": 0.001}}, "Krum 1": {}}
    results = run_sweep(small(axes={"rule": hasty}), tmp_path)
    assert results[0].failure.startswith("all 2 rounds failed, 2 of them since `min_updates` = 1 must be reached")
    assert (results[0].summary["test_error"], results[0].summary["failed_rounds"]) == (None, 2)
    assert results[1].summary["test_error"] >= 0
    again = run_sweep(small(axes={"rule": hasty}), tmp_path)
    assert [(result.failure, result.kept) for result in again] == [(results[0].failure, False), ("", True)]


def test_where_no_cell_can_begin_the_sweep_is_refused(small, base, tmp_path):
    missing = small(base={**base, "data": {"kind": "mnist"}})
    with pytest.raises(InvalidConfig, match="train-images"):
        run_sweep(missing, tmp_path, data_dir=tmp_path)
    assert not (tmp_path / "cells").exists()


def test_what_was_interrupted_is_taken_up_again(small, tmp_path, failing):
    made = cells(small())
    failing(KeyboardInterrupt(), "krum-1-nobody")
    with pytest.raises(KeyboardInterrupt):
        run_sweep(small(), tmp_path)
    with pytest.raises(ZeroDivisionError):
        run(made[2].experiment, out=cell_folder(tmp_path, made[2]), watchers=[Faulty()])
    calls = failing(KeyboardInterrupt(), "nobody at all")
    results = run_sweep(small(), tmp_path)
    assert calls == [cell.slug for cell in made[2:]]
    assert [(result.failure, result.kept) for result in results] == [("", True), ("", True), ("", False), ("", False)]


def test_other_settings_are_refused_before_anything_is_written(small, base, finished):
    folder, _ = finished
    note = (folder / SWEEP_FILE).read_bytes()
    with pytest.raises(StoreError, match=r"another configuration: `rounds` was 2, and is 3 now; choose another folder"):
        run_sweep(small(base={**base, "rounds": 3}), folder)
    assert (folder / SWEEP_FILE).read_bytes() == note


def test_other_data_under_the_same_name_are_refused(small, finished, monkeypatch):
    folder, _ = finished
    monkeypatch.setattr("fedprop.experiments.sweep.results.data_digest", lambda data: "another")
    with pytest.raises(StoreError, match="another configuration: the data are other ones"):
        run_sweep(small(), folder)


def test_more_cells_may_be_added(small, axes, finished):
    folder, earlier = finished
    more = {"rule": {**axes["rule"], "Median": {"defense": {"kind": "median"}}}, "attack": {"Nobody": {}}}
    results = run_sweep(small(axes=more), folder)
    assert [(result.cell.labels[0], result.kept) for result in results] == [
        ("Mean", True),
        ("Krum 1", True),
        ("Median", False),
    ]
    assert results[0].summary == earlier[0].summary


def test_models_with_another_output_for_a_defense_are_known_again(small, tmp_path):
    defenses = {"rule": {"Mean": {}, "HeteroFL": {"defense": "heterofl"}}}
    earlier = run_sweep(small(axes=defenses), tmp_path)
    assert not any(result.failure for result in earlier)
    again = run_sweep(small(axes=defenses), tmp_path)
    assert [(result.kept, result.summary) for result in again] == [(True, result.summary) for result in earlier]


def test_a_folder_in_use_and_one_that_holds_a_run_are_refused(small, tmp_path):
    with claimed(tmp_path), pytest.raises(StoreError, match="another process is running in"):
        run_sweep(small(), tmp_path)
    RunStore(tmp_path).create()
    with pytest.raises(StoreError, match="holds a run, and a sweep needs a folder of its own"):
        run_sweep(small(), str(tmp_path))


OWN = """
import os, sys
from fedprop.aggregators import Aggregation, Aggregator

class Own(Aggregator):
    kind: str = "own"
    deadly: bool = False

    def combine(self, cohort, state):
        if self.deadly:
            os._exit(7)
        weights = cohort.updates.new_full((len(cohort.updates),), 1.0 / len(cohort.updates))
        return Aggregation(weights @ cohort.updates, weights)
"""


def test_several_processes_give_the_same_results_and_one_that_dies_ends_its_own_cell_only(small, tmp_path):
    """Also for a rule that only a file knows, which could not be sent to another process as an object."""
    (tmp_path / "own.py").write_text(OWN)
    rule = {"kind": f"{tmp_path / 'own.py'}:Own"}
    rules = {"Deadly": {"defense": {**rule, "deadly": True}}, "Own": {"defense": rule}}
    results = run_sweep(small(axes={"rule": rules}), tmp_path / "together", jobs=2)
    assert [result.failure for result in results] == ["its process ended itself with exit status 7", ""]
    alone = run_sweep(small(axes={"rule": {"Own": {"defense": rule}}}), tmp_path / "alone")
    assert results[1].summary["trace_sha256"] == alone[0].summary["trace_sha256"]


def job(sweep, out, **changes):
    cell = cells(sweep)[0]
    return Job(sweep, cell.labels, cell.seed, out, None, running.code_of(cell.experiment))._replace(**changes)


@pytest.fixture
def threads():
    """Gives torch its threads back."""
    usual = torch.get_num_threads()
    yield
    torch.set_num_threads(usual)


@pytest.mark.usefixtures("threads")
def test_what_a_process_does(small, tmp_path):
    summary, failure, refused = run_job(job(small(), tmp_path))
    assert (summary["rounds"], failure, refused) == (2, "", False)


@pytest.mark.usefixtures("threads")
def test_code_that_changes_while_the_sweep_runs_is_not_run(small, tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    sweep = small(axes={"rule": {"Own": {"defense": {"kind": f"{tmp_path / 'own.py'}:Own"}}}})
    told = job(sweep, tmp_path)
    (tmp_path / "own.py").write_text(OWN.replace("1.0", "0.5"))
    summary, failure, _ = run_job(told)
    assert (summary, failure[:40]) == ({}, "the text of a class of one's own has cha")
    (tmp_path / "own.py").unlink()
    assert "there is no file" in run_job(told)[1]


def test_a_failed_cell_of_other_code_makes_room(small, tmp_path):
    def sweep():
        return small(axes={"rule": {"Own": {"defense": {"kind": f"{tmp_path / 'own.py'}:Own"}}}})

    (tmp_path / "own.py").write_text(OWN.replace("return Agg", "return 1 / 0, Agg"))
    assert "ZeroDivisionError" in run_sweep(sweep(), tmp_path / "out")[0].failure
    (tmp_path / "own.py").write_text(OWN)
    assert run_sweep(sweep(), tmp_path / "out")[0].failure == ""
    (tmp_path / "own.py").write_text(OWN.replace("1.0", "0.5"))
    with pytest.raises(StoreError, match=r"the text of .*own\.py:Own has changed"):
        run_sweep(sweep(), tmp_path / "out")
