"""The promise of sims/siren_plus/smoke.yaml, on smaller data."""

from pathlib import Path

import pytest

from fedprop.experiments.experiment import load_experiment
from fedprop.experiments.runner import run

SMOKE = Path(__file__).parent.parent / "sims" / "siren_plus" / "smoke.yaml"
SMALL = ["data={kind: digits}", "model={kind: logistic_regression}", "root.size=60", "training.lr=0.3"]


@pytest.fixture(scope="module")
def accuracy():
    def of(*changes):
        return run(load_experiment(SMOKE, [*SMALL, *changes])).test_accuracy

    return of


def test_siren_plus_loses_little_where_the_mean_loses_everything(accuracy):
    attacked, unharmed, undefended = accuracy(), accuracy("attack={kind: none}"), accuracy("defense={kind: mean}")
    assert attacked > unharmed - 0.05
    assert undefended < unharmed - 0.20
