"""Processes that train: what they are given, and what becomes of their answers."""

import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch

from benchmarks import rounds
from benchmarks.cases import ON_CPU, ON_GPU, Case, prepare
from benchmarks.peers_speed.work import MARK, Work, peak, timed
from benchmarks.rounds import Trainer, interpreter, one_pass, rows

CASE = Case("logistic_regression", steps=1, rounds=2, clients=3, examples=40)
ANSWER = {"seconds": [3.0, 1.0, 2.0], "loss": 0.5, "peak_bytes": None, "version": "1"}


@pytest.fixture
def scripted(monkeypatch, tmp_path):
    """A function that has a trainer's process run this code."""

    def trainer(code):
        (tmp_path / "fake.py").write_text(code)
        monkeypatch.setattr(rounds, "SCRIPTS", tmp_path)
        return Trainer("somebody", "fake")

    return trainer


def run(trainer):
    return one_pass(trainer, sys.executable, [Work("path", "m", 1, 1)])


def test_an_answer_is_found_among_other_output(scripted):
    assert run(scripted(f"print('loading'); print('{MARK}{{\"loss\": 1}}'); print('bye')")) == [{"loss": 1}]


def test_a_process_is_given_its_work(scripted):
    code = f"import json, sys; print('{MARK}' + json.dumps(json.loads(sys.argv[1])[0]))"
    assert run(scripted(code)) == [asdict(Work("path", "m", 1, 1))]


@pytest.mark.parametrize(("code", "words"), [("raise ValueError('no luck')", "ValueError: no luck"), ("", "nothing")])
def test_a_process_that_fails_leaves_its_last_words(scripted, code, words):
    assert words in run(scripted(code))


def test_a_process_that_hangs_is_given_up(scripted, monkeypatch):
    monkeypatch.setattr(rounds, "PATIENCE", 0.2)
    assert "no answer" in run(scripted("import time; time.sleep(60)"))


def test_an_environment_is_used_where_it_is(tmp_path):
    there = Trainer("a", "a", "made")
    assert interpreter(Trainer("fedprop", "a"), None) == sys.executable
    assert interpreter(there, None) is None
    assert interpreter(there, tmp_path) is None
    python = tmp_path / "made" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert interpreter(there, tmp_path) == str(python)


def test_ratios_are_taken_between_medians_of_the_same_pass():
    slow = {**ANSWER, "seconds": [8.0]}
    found = rows(CASE, "digits", 0, {"fedprop": [[ANSWER], [slow]], "peer": [[slow], [slow]]})
    assert [r["seconds"] for r in found] == [[2.0, 8.0], [8.0, 8.0]]
    assert found[1]["times_fedprop"] == {"median": 2.5, "low": 1.0, "high": 4.0}


def test_one_failed_pass_fails_a_trainer():
    found = rows(CASE, "digits", 0, {"fedprop": [[ANSWER], [ANSWER]], "peer": [[ANSWER], "KeyError: 'x'"]})
    assert found[1]["failure"] == "KeyError: 'x'"
    assert "seconds" not in found[1]


def test_every_step_has_its_batch_and_every_pass_all_examples():
    batches = list(Work("", "", steps=5, rounds=1).batches(80, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [32, 32, 16, 32, 32]
    assert sorted(np.concatenate(batches[:3])) == list(range(80))


def test_the_first_round_is_not_counted():
    calls = []
    assert len(timed(lambda: calls.append(1), 3)) == 3
    assert len(calls) == 4


def test_adapters_find_data_and_a_model_that_fit(tmp_path):
    assert prepare(tmp_path, [CASE], None) == ["digits"]
    work = Work(str(tmp_path / "0"), CASE.model, 1, 1)
    x, y, parts = work.tensors()
    assert parts.shape == (3, 40)
    assert work.module()(x[parts[0]]).shape == (40, 10)
    assert len(x) == len(y) == 120
    assert peak(work) is None


def test_more_clients_than_examples_share_them(tmp_path):
    prepare(tmp_path, [Case("logistic_regression", 1, 1, clients=100, examples=80)], None)
    x, _, parts = Work(str(tmp_path / "0"), "", 1, 1).data()
    assert parts.shape == (100, 80)
    assert parts.max() == len(x) - 1


@pytest.mark.parametrize("case", [*ON_CPU, *ON_GPU])
def test_the_tables_cases_can_be_built(case, tmp_path):
    if case.model == "resnet20":
        case = Case(**{**asdict(case), "data": "digits"})
    prepare(tmp_path, [case], None)
    assert isinstance(Work(str(tmp_path / "0"), "", 1, 1).module(), torch.nn.Module)
