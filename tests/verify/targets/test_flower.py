"""The adapter for Flower; what needs flwr itself runs in the `peers` session."""

import logging
import subprocess
import sys

import pytest
import torch

from fedprop.aggregators import Mean, Median
from fedprop.errors import InvalidUpdates
from fedprop.verify.targets.flower import is_strategy, rule_of

ROWS = torch.tensor([[0.0, 1.0], [1.0, 1.0], [2.0, 2.0], [3.0, 1.0], [50.0, -50.0], [2.0, 1.0], [1.0, 2.0]])
EXAMPLES = (1, 2, 3, 4, 1, 2, 3)
INTERFACES = ("flwr.server.strategy", "flwr.serverapp.strategy")


@pytest.fixture(params=INTERFACES)
def strategies(request):
    """The module of one of Flower's interfaces."""
    return pytest.importorskip(request.param, reason="flwr is not installed; see the nox session `peers`")


def test_asking_about_a_strategy_does_not_import_flwr():
    door = "from fedprop.verify.targets.flower import is_strategy"
    asked = f"import sys; {door}; is_strategy(3); print('flwr' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("other", [3, Mean(), Mean, lambda rows: rows.mean(dim=0), None])
def test_other_things_are_no_strategies(other):
    assert not is_strategy(other)
    with pytest.raises(TypeError, match="`strategy` must be an instance of a Flower strategy"):
        rule_of(other)


def test_a_class_of_another_library_with_the_same_name_is_no_strategy():
    assert not is_strategy(type("Strategy", (), {}))


def test_classes_and_instances_are_strategies_but_a_class_is_no_rule(strategies):
    assert is_strategy(strategies.FedAvg)
    assert is_strategy(strategies.FedAvg())
    with pytest.raises(TypeError, match="must be an instance"):
        rule_of(strategies.FedAvg)


def test_a_subclass_of_the_abstract_strategy_is_one(strategies):
    assert is_strategy(type("Mine", (strategies.Strategy,), {}))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fedmedian_is_the_median_in_the_rows_dtype(strategies, dtype):
    rows = ROWS.to(dtype)
    torch.testing.assert_close(rule_of(strategies.FedMedian())(rows), Median()(rows))


def test_clients_report_one_example_each_unless_told(strategies):
    rule = rule_of(strategies.FedAvg())
    torch.testing.assert_close(rule(ROWS), Mean()(ROWS))
    copies = ROWS.repeat_interleave(torch.tensor(EXAMPLES), dim=0)
    torch.testing.assert_close(rule(ROWS, EXAMPLES), Mean()(copies))


def test_a_strategy_s_own_name_for_the_number_of_examples_is_used():
    strategies = pytest.importorskip("flwr.serverapp.strategy", reason="flwr is not installed")
    rule = rule_of(strategies.FedAvg(weighted_by_key="samples"))
    torch.testing.assert_close(rule(ROWS), Mean()(ROWS))


def test_rows_are_left_alone_and_nothing_is_remembered(strategies):
    name = "aggregate_fit" if strategies.__name__ == "flwr.server.strategy" else "aggregate_train"

    def only_once(self, *round_):
        assert not vars(self).get("asked")
        self.asked = True
        return getattr(strategies.FedAvg, name)(self, *round_)

    rule, rows = rule_of(type("Once", (strategies.FedAvg,), {name: only_once})()), ROWS.clone()
    first = rule(rows)
    assert torch.equal(rule(rows), first)
    assert torch.equal(rows, ROWS)


def test_a_strategy_that_gives_no_answer_is_an_error():
    strategies = pytest.importorskip("flwr.serverapp.strategy", reason="flwr is not installed")
    with pytest.raises(InvalidUpdates, match="something that Bulyan aggregates; found n=7, no answer"):
        rule_of(strategies.Bulyan(num_malicious_nodes=2))(ROWS)


def test_the_log_is_quiet_during_a_call_only(strategies, capfd):
    logger = logging.getLogger("flwr")
    level = logger.level
    rule_of(strategies.FedAvg())(ROWS)
    assert capfd.readouterr().err == ""
    assert logger.level == level
