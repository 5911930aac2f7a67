import os
import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from fedprop.errors import InvalidConfig
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.measures import MeasureName, measure_of, measures
from fedprop.experiments.runner import run
from fedprop.experiments.store import RunStore
from fedprop.experiments.sweep import Sweep, cells
from fedprop.metrics import METRICS

ASKED = [kind for kind, number in METRICS.kinds.items() if not number.standing]

BASE = {
    "rounds": 2,
    "clients": 5,
    "data": {"kind": "digits"},
    "model": {"kind": "logistic_regression"},
    "training": {"lr": 0.1, "batch_size": 16, "epochs": 1},
}


def measured(folder, **settings):
    run(Experiment(**{**BASE, **settings}), out=folder)
    summary = RunStore(folder).meta("summary")
    return {name: measure.read(summary) for name, measure in measures().items()}


def test_every_metric_is_a_measure_and_other_names_are_refused():
    parse = TypeAdapter(MeasureName).validate_python
    assert [parse(name) for name in measures()] == [*measures()]
    assert set(METRICS.kinds) < set(measures())
    with pytest.raises(ValidationError, match=r"a measure must be one of test_error, .*did you mean test_error"):
        parse("test_eror")


def test_metrics_asked_for(tmp_path):
    values = measured(tmp_path, metrics=ASKED)
    told = RunStore(tmp_path).meta("summary")["numbers"]
    assert [kind for kind in ASKED if told[kind]["value"] is None] == ["removal_success_rate"]  # nobody attacks
    assert all(values[kind] == told[kind]["value"] for kind in ASKED)
    for kind in ("per_class_accuracy", "per_client_accuracy"):
        assert values[f"lowest_{kind}"] == min(told[kind]["parts"].values()) <= values[kind]
    assert len(told["per_client_accuracy"]["parts"]) == 5
    assert told["auc"]["text"].startswith(f"{values['auc']:.4f}, lowest ")


def test_a_plain_run_has_an_error_and_nothing_else(tmp_path):
    values = measured(tmp_path)
    assert values.pop("test_error") + (accuracy := values.pop("test_accuracy")) == pytest.approx(1)
    assert values.pop("best_accuracy") >= accuracy
    assert values.pop("test_loss") > 0
    assert values.pop("honest_excluded") == 0
    assert values.pop("wall_seconds_per_round") > 0
    # Clients of equal sizes, who all hold all classes.
    assert values.pop("label_diversity") == values.pop("lowest_label_diversity") == 0
    assert 0 < values.pop("lowest_load_diversity") < values.pop("load_diversity")
    assert set(values.values()) == {None}


def test_the_privacy_spent(tmp_path):
    values = measured(tmp_path, training={**BASE["training"], "privacy": {"target_epsilon": 5, "delta": 0.01}})
    assert 0 < values["epsilon"] <= 5


def test_the_auc_is_that_of_the_better_attack(tmp_path):
    values = measured(tmp_path, inference={"kind": "membership", "targets": ["global", "client"], "client": 0})
    found = RunStore(tmp_path).meta("summary")["inference"]
    assert values["global_auc"] == max(f["auc"] for f in found if f["target"] == "global model")
    assert values["client_auc"] == max(f["auc"] for f in found if f["target"] == "client 0")


def test_penalties_and_bans_are_told_apart(tmp_path):
    values = measured(
        tmp_path,
        rounds=5,
        defense={"kind": "siren_plus", "penalty": 1, "holdout": 0.3},
        root={"size": 100},
        attack={"kind": "sign_flip", "z": 20, "share": 0.4, "reports": "always"},
    )
    ruling = RunStore(tmp_path).rounds()[-1].ruling
    compromised = set(RunStore(tmp_path).meta("compromised"))
    assert values["compromised_banned"] == len(compromised & set(ruling.banned)) > 0
    assert values["honest_banned"] == len(set(ruling.banned) - compromised)
    assert values["compromised_index"] == sum(ruling.suspicion[c] for c in compromised) / 2
    assert values["honest_index"] == sum(i for c, i in ruling.suspicion.items() if c not in compromised) / 3


def test_how_far_a_targeted_attack_came(tmp_path):
    values = measured(tmp_path, attack={"kind": "targeted", "share": 0.4, "label": 5})
    assert 0 <= values["misclassification_confidence"] <= 1
    assert values["attack_success_rate"] in (0, 1)


OWN = """
from typing import ClassVar, Literal

from fedprop.metrics import Metric, Reading


class Halves(Metric):
    parts_of: ClassVar[str] = "half"

    kind: Literal["halves"] = "halves"

    def measure(self, exam):
        return Reading(0.5, {0: 0.25, 1: 0.75})
"""


def test_a_number_of_ones_own_is_a_measure_by_its_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN)
    measured(tmp_path / "run", metrics=["mine.py:Halves"])
    summary = RunStore(tmp_path / "run").meta("summary")
    values = [measure_of(name).read(summary) for name in ("mine.py:Halves", "lowest_mine.py:Halves", "mine.py:Other")]
    assert values == [0.5, 0.25, None]
    axes = {"rule": {"Mean": {"defense": "mean"}}}
    base = {**BASE, "metrics": ["mine.py:Halves"]}
    assert len(cells(Sweep(base=base, axes=axes, measures=["mine.py:Halves", "lowest_mine.py:Halves"]))) == 1
    with pytest.raises(InvalidConfig, match=r"`measures`: mine.py:Halves needs mine.py:Halves among the `metrics`"):
        cells(Sweep(base=BASE, axes=axes, measures=["mine.py:Halves"]))


PEN = """
from typing import Literal

from fedprop import Experiment, run
from fedprop.metrics import Number, Reading


class Ink(Number):
    kind: Literal["ink"] = "ink"

    def read(self, record, compromised):
        return Reading(1.0)
"""


def test_a_package_that_brings_a_number_may_import_all_of_this_one(tmp_path):
    """Its module is looked for when measures are first asked for, by when there is a whole `fedprop` to import."""
    (tmp_path / "pens.py").write_text(PEN)
    (tmp_path / "pens-1.0.dist-info").mkdir()
    (tmp_path / "pens-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: pens\nVersion: 1.0\n")
    (tmp_path / "pens-1.0.dist-info" / "entry_points.txt").write_text("[fedprop.metrics]\nink = pens:Ink\n")
    asking = "from fedprop import run; from fedprop.experiments.measures import measures; print('ink' in measures())"
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    found = subprocess.run(
        [sys.executable, "-c", asking], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert (found.stdout, found.returncode) == ("True\n", 0), found.stderr
