import runpy
from pathlib import Path

import pytest

pytest.importorskip("optuna")
EXAMPLE = Path(__file__).parents[2] / "examples" / "tune_siren_plus.py"


@pytest.mark.filterwarnings("ignore")  # Optuna's dependencies warn of each other
def test_a_study_tries_the_defaults_first_and_keeps_the_better_of_its_trials(capsys):
    study = runpy.run_path(str(EXAMPLE))["main"](3)
    assert study.trials[0].params == {"c_c": 0.04, "c_s": 0.1}
    assert study.best_value == max(min(trial.user_attrs["accuracies"].values()) for trial in study.trials)
    assert capsys.readouterr().out.startswith("defaults: c_c = 0.040, c_s = 0.100: 0.")
