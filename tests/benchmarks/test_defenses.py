import pytest

from benchmarks import defenses

SMALL = {"data": {"kind": "digits"}, "model": "logistic_regression", "training": {"lr": 0.1, "batch_size": 64}}
NINE_TENTHS = "FedAvg on nine tenths of the data"
ON_DIGITS = {
    paper: compared._replace(models={"small": SMALL}, defenses=dict(compared.defenses))
    for paper, compared in defenses.PAPERS.items()
}
ON_DIGITS["siren_plus"].defenses[NINE_TENTHS] = {"defense": "mean", "data": {"kind": "digits", "train_size": 1200}}


@pytest.mark.parametrize("paper", ON_DIGITS)
def test_every_defense_runs_and_is_held_against_averaging(paper):
    rows = defenses.measure(None, ON_DIGITS[paper], rounds=2, passes=2)
    assert [row["defense"] for row in rows] == list(defenses.PAPERS[paper].defenses)
    assert all(row["seconds_per_round"] > 0 for row in rows)
    assert rows[0]["times_fedavg"] == {"median": 1.0, "low": 1.0, "high": 1.0}


def test_the_server_decides_in_every_round_of_the_dearest_case():
    setup = defenses.setups(ON_DIGITS["siren_plus"], "small", 3, None)["SIREN+, tests everybody"]
    rulings = [record.ruling for record in defenses.simulate(setup, defenses.Nobody()).rounds]
    assert [len(ruling.scores) for ruling in rulings] == [10, 10, 10]


def test_the_cheapest_case_is_quiet():
    quiet = defenses.setups(ON_DIGITS["siren_plus"], "small", 2, None)["SIREN+, nobody alarms"]
    rulings = [record.ruling for record in defenses.simulate(quiet, defenses.Nobody()).rounds]
    assert not any(any(ruling.reports.values()) for ruling in rulings)


def test_heterofl_has_its_watermark():
    setup = defenses.setups(ON_DIGITS["heterofl"], "small", 1, None)["HeteroFL"]
    (record,) = defenses.simulate(setup, defenses.Nobody()).rounds
    assert "watermark" in record.ruling.measured
