"""`fedprop certify`."""

import json
from pathlib import Path

CRFL = """
rounds: 3
clients: 5
data: {kind: digits, train_size: 200}
model: {kind: logistic_regression}
training: {lr: 0.1, steps: 2}
defense: [mean, {kind: model_clipping, max_norm: 2}, {kind: gaussian_noise, std: 0.05, rounds: 3}]
"""


def test_a_finished_run_is_certified(fedprop):
    Path("crfl.yaml").write_text(CRFL)
    assert fedprop("run", "crfl.yaml", "--out", "done")[0] == 0
    code, out, err = fedprop("certify", "done", "--copies", "60", "--radius", "0", "--radius", "0.01", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["largest radius"] > 0.01
    (at, first), (then, second) = found["certified accuracy"]
    assert (at, then) == (0.0, 0.01)
    assert found["smoothed accuracy"] >= first > second > 0
    code, out, _ = fedprop("certify", "done", "--copies", "60", "--attackers", "2")
    assert code == 0
    assert len([line for line in out.splitlines() if line.startswith("│")]) == 5


def test_what_cannot_be_certified_is_refused_with_each_reason(fedprop):
    assert fedprop("run", "run.yaml", "--out", "other")[0] == 0
    code, out, err = fedprop("certify", "other")
    assert (code, out) == (2, "")
    for setting in ("`defense`", "`attack`", "`policy`"):
        assert f"\n{setting} must be" in err
    for option, told in (("--alpha=2", "`alpha`"), ("--bound=chernoff", "`bound`"), ("--share=0", "`share`")):
        code, _, err = fedprop("certify", "other", option)
        assert code == 2
        assert told in err
