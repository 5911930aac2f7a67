"""What is kept of the inputs that attacks aim at."""

from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.specimens import SHOWN, specimens

SETTINGS = {"rounds": 1, "clients": 10, "data": "digits", "model": "logistic_regression"}
MARKED = {"kind": "pixel_trigger", "label": 5, "size": 2, "value": 2.0}


def test_pictures_with_the_trigger_beside_the_test_inputs_that_they_are_made_of():
    attacks = [{"kind": "sign_flip", "share": 0.1}, {"kind": "backdoor", "share": 0.1, "backdoor": MARKED}]
    setup = resolve(Experiment(**SETTINGS, attack=attacks))
    kept = specimens(setup)
    assert set(kept) == {"1"}
    told = kept["1"]
    assert told["attack"] == "backdoor"
    assert told["wanted"] == [5] * SHOWN
    assert 5 not in told["labels"]
    for marked, before in zip(told["inputs"], told["before"], strict=True):
        assert [row[6:] for row in marked[0][6:]] == [[2.0, 2.0]] * 2
        assert [row[:6] for row in marked[0]] == [row[:6] for row in before[0]]
        assert marked[0][:6] == before[0][:6]


def test_of_what_is_no_picture_nothing_is_kept(tmp_path):
    vectors = {**SETTINGS, "data": "breast_cancer", "attack": {"kind": "label_pairs", "share": 0.1}}
    assert specimens(resolve(Experiment(**vectors))) == {}
    assert specimens(resolve(Experiment(**SETTINGS))) == {}
