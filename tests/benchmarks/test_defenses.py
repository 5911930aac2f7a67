import pytest

from benchmarks import defenses

SMALL = {"data": {"kind": "digits"}, "model": "logistic_regression", "training": {"lr": 0.1, "batch_size": 64}}


@pytest.fixture
def on_digits(monkeypatch):
    monkeypatch.setattr(defenses, "MODELS", {"small": SMALL})
    nine_tenths = {"defense": "mean", "data": {"kind": "digits", "train_size": 1200}}
    monkeypatch.setitem(defenses.DEFENSES, "FedAvg on nine tenths of the data", nine_tenths)


def test_every_defense_runs_and_is_held_against_averaging(on_digits):
    rows = defenses.measure(None, rounds=2, passes=2)
    assert [row["defense"] for row in rows] == list(defenses.DEFENSES)
    assert all(row["seconds_per_round"] > 0 for row in rows)
    assert rows[0]["times_fedavg"] == {"median": 1.0, "low": 1.0, "high": 1.0}


def test_the_server_decides_in_every_round_of_the_dearest_case(on_digits):
    setup = defenses.setups({**defenses.SHARED, **SMALL}, 3, None)["SIREN+, tests everybody"]
    rulings = [record.ruling for record in defenses.simulate(setup, defenses.Nobody()).rounds]
    assert [len(ruling.scores) for ruling in rulings] == [10, 10, 10]


def test_the_cheapest_case_is_quiet(on_digits):
    quiet = defenses.setups({**defenses.SHARED, **SMALL}, 2, None)["SIREN+, nobody alarms"]
    rulings = [record.ruling for record in defenses.simulate(quiet, defenses.Nobody()).rounds]
    assert not any(any(ruling.reports.values()) for ruling in rulings)
