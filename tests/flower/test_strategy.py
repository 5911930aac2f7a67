"""Both of Flower's interfaces around a rule, driven without any process."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fedprop.aggregators import Krum, Mean, Median
from fedprop.errors import InvalidConfig
from fedprop.flower import LegacyRuleStrategy, RuleStrategy
from fedprop.flower.installed import Missing
from fedprop.messages import Reason

NODES = [2**63 + 5, 11, 12, 13, 14]


@pytest.fixture(autouse=True)
def flower(monkeypatch):
    """Flower, without its log, in the process of a server app."""
    pytest.importorskip("flwr", reason="needs the extra `flower`: nox -s flower")
    from flwr.supercore.task_identity import TaskIdentity

    for name in ("_run_id", "_node_id", "_task_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)
    logger = logging.getLogger("flwr")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


def record(values):
    from flwr.app import Array, ArrayRecord

    return ArrayRecord({"w": Array(np.array(values, dtype=np.float32))})


def answer(node, values, examples=1):
    """What a node answers; of an exception, an error."""
    from flwr.app import Error, Message, Metadata, MetricRecord, RecordDict

    metadata = Metadata(1, "", node, 0, "", "", 0.0, 1.0, "train")
    if isinstance(values, Exception):
        return Message(Error(0, str(values)), metadata=metadata)
    content = RecordDict({"arrays": record(values), "metrics": MetricRecord({"num-examples": examples})})
    return Message(content, metadata=metadata)


class Grid:
    """Nodes that answer with what a function makes of the model; those of None do not answer."""

    def __init__(self, answers):
        self.answers = answers

    def get_node_ids(self):
        return list(self.answers)

    def send_and_receive(self, messages, timeout=None):
        for message in messages:
            node = message.metadata.dst_node_id
            values = self.answers[node](message.content["arrays"]["w"].numpy())
            if values is not None:
                yield answer(node, values)


def started(rule, answers, rounds=2):
    strategy = RuleStrategy(rule, fraction_evaluate=0.0, min_train_nodes=1, min_available_nodes=1)
    return strategy, strategy.start(Grid(answers), record([0.0, 0.0]), num_rounds=rounds)


def test_a_malicious_a_broken_and_a_silent_node_are_survived():
    answers = {
        NODES[0]: lambda model: model + 1,
        NODES[1]: lambda model: model + 1,
        NODES[2]: lambda model: model - 1000,
        NODES[3]: lambda model: ValueError("out of memory"),
        NODES[4]: lambda model: None,
    }
    strategy, result = started(Median(), answers)
    assert result.arrays["w"].numpy().tolist() == [2.0, 2.0]
    assert strategy.told[1].weights.keys() == {NODES[0], NODES[1], NODES[2]}
    assert dict(result.train_metrics_clientapp[2]) == {"used": 3, "refused": 0}


def test_rounds_that_fail_leave_the_model_as_it_is():
    strategy, result = started(Krum(f=1), {NODES[1]: lambda model: model + 1})
    assert len(result.arrays) == 0
    assert "n >= 2f + 3" in strategy.told[1].failure


def test_replies_that_say_something_else_are_refused_and_strangers_unheard():
    from flwr.app import Array, ConfigRecord

    strategy = RuleStrategy(Mean())
    asked = [*strategy.configure_train(1, record([0.0]), ConfigRecord(), Grid(dict.fromkeys(NODES[:3])))]
    assert {message.metadata.dst_node_id for message in asked} == set(NODES[:3])
    good, torn, twice, stranger = (answer(node, [4.0]) for node in (*NODES[:3], 99))
    torn.content["arrays"]["w"] = Array("float32", (1,), "numpy.ndarray", b"no array at all")
    twice.content["more"] = record([1.0])
    arrays, _ = strategy.aggregate_train(1, [good, torn, twice, stranger])
    assert arrays["w"].numpy().tolist() == [4.0]
    assert strategy.told[0].refused == {NODES[1]: Reason.MALFORMED, NODES[2]: Reason.MALFORMED}


def test_the_legacy_interface_does_the_same():
    from flwr.common import Code, FitRes, Status, ndarrays_to_parameters, parameters_to_ndarrays
    from flwr.server import SimpleClientManager

    strategy = LegacyRuleStrategy(Median(), min_fit_clients=0, min_available_clients=0)
    strategy.configure_fit(1, ndarrays_to_parameters([np.ones(2, dtype=np.float32)]), SimpleClientManager())
    results = [
        (SimpleNamespace(cid=cid), FitRes(Status(Code.OK, ""), ndarrays_to_parameters([np.array(v, "float32")]), 1, {}))
        for cid, v in (("a", [2.0, 2.0]), ("b", [3.0, 2.0]), ("c", [900.0, -900.0]), ("d", [0.0]))
    ]
    found, metrics = strategy.aggregate_fit(1, results, [])
    assert parameters_to_ndarrays(found)[0].tolist() == [3.0, 2.0]
    assert metrics == {"used": 3, "refused": 1}
    assert strategy.told[0].refused == {"d": Reason.WRONG_SHAPE}
    assert LegacyRuleStrategy(Median(), accept_failures=False).aggregate_fit(1, results, [OSError()]) == (None, {})


@pytest.mark.parametrize("kind", [RuleStrategy, LegacyRuleStrategy])
def test_a_strategy_is_the_rule_that_it_was_made_of(kind):
    from fedprop.verify.targets.flower import rule_of

    rows = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
    for rule in (Krum(f=2, m=3), Median(), Mean()):
        assert torch.allclose(rule_of(kind(rule))(rows), rule(rows), atol=1e-6)


def test_without_flower_it_says_what_to_install():
    with pytest.raises(InvalidConfig, match=r"pip install 'fedprop\[flower\]'"):
        Missing()
