"""The rule that aggregates may be anybody's: what it answers is looked at, and what goes wrong is named."""

import pytest
import torch

from fedprop.aggregators import Aggregation, Aggregator, Mean, NormClipping
from fedprop.defenses import Beginning, RoundProtocol, Ruling, Screened
from fedprop.errors import InvalidUpdates, RunFailed


class Own(Aggregator):
    """The mean, and whatever `answer_with` makes of it."""

    kind: str = "own"
    wrong: str = ""

    def combine(self, cohort, state):
        value = cohort.updates.mean(dim=0)
        weights = value.new_full((len(cohort.updates),), 1 / len(cohort.updates))
        right = Aggregation(value, weights, state)
        match self.wrong:
            case "raises":
                raise ZeroDivisionError("by hand")
            case "exits":
                raise SystemExit(0)
            case "declines":
                raise InvalidUpdates("not today")
            case "tensor":
                return value
            case "short":
                return right._replace(value=value[1:])
            case "few weights":
                return right._replace(weights=weights[1:])
            case "float64":
                return right._replace(value=value.double())
            case "nan":
                return right._replace(value=value * torch.nan)
            case "nan weights":
                return right._replace(weights=weights * torch.nan)
            case "set":
                return right._replace(state={1, 2})
            case "gradient":
                return right._replace(value=value.requires_grad_())
        return right


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("raises", r"ZeroDivisionError: by hand \(test_asking\.py, line \d+\)"),
        ("exits", "SystemExit: 0"),
        ("tensor", r"the rule Own must answer with Aggregation\(value, weights\); found a tensor of shape \[6\]"),
        ("short", r"the rule Own must answer with a value of shape \[6\], torch\.float32, on cpu; found .* \[5\]"),
        ("few weights", r"the rule Own must answer with weights of shape \[6\], .*; found a tensor of shape \[5\]"),
        ("float64", r"the rule Own must answer with a value .*; found .* torch\.float64, on cpu"),
        ("nan", "the rule Own must answer with finite numbers, or raise InvalidUpdates .*; found NaN or infinity"),
        ("nan weights", "the rule Own must answer with finite numbers"),
    ],
)
def test_a_wrong_answer_ends_the_run_and_names_the_rule_and_the_round(play, wrong, told):
    with pytest.raises(RunFailed, match=f"^rule own failed in round 0: {told}"):
        play(defense=Own(wrong=wrong))


def test_a_chain_is_named_by_its_parts(play):
    with pytest.raises(RunFailed, match=r"^rule norm_clipping >> own failed in round 0: ZeroDivisionError: by hand"):
        play(defense=NormClipping(max_norm=1.0) >> Own(wrong="raises"))


def test_a_rule_may_decline_a_round(play):
    assert [record.failure for record in play(rounds=2, defense=Own(wrong="declines")).rounds] == ["not today"] * 2


def test_gradients_are_left_behind(play):
    assert play(defense=Own(wrong="gradient")).trace_sha256 == play(defense=Own()).trace_sha256


def test_a_memory_that_no_checkpoint_can_hold_is_named(play):
    message = "^cannot save set in a checkpoint: what rule own and others remember must be plain data"
    with pytest.raises(RunFailed, match=message):
        play(defense=Own(wrong="set"))


class OwnProtocol(RoundProtocol):
    """Believes everybody, unless something is to go wrong."""

    kind: str = "own_protocol"
    wrong: str = ""

    @property
    def rule(self):
        return Mean()

    def client_side(self, test):
        return OwnSide(self.wrong)

    def screen(self, replies, memory):
        verdicts = dict.fromkeys(replies.clients, "fine")
        if self.wrong == "nobody's verdict":
            del verdicts[replies.clients[-1]]
        ruling = Ruling("all", False, {}, verdicts, {}, {}, ())
        accepted = (True,) * (len(replies.clients) - (self.wrong == "too few"))
        match self.wrong:
            case "raises":
                raise KeyError("x")
            case "tuple":
                return accepted, ruling, memory
        return Screened(accepted, ruling, memory)


class OwnSide:
    def __init__(self, wrong):
        self.wrong = wrong

    def begin(self, client, received, last):
        if self.wrong == "pair":
            return received, False
        return Beginning(received[1:] if self.wrong == "start" else received, False, "")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("raises", r"protocol own_protocol failed in round 0: KeyError: 'x' \(test_asking\.py, line \d+\)"),
        ("tuple", r".* must answer with Screened\(accepted, ruling, memory\); found tuple"),
        ("too few", ".*the protocol OwnProtocol must accept or refuse each of 6 updates; found 5 answers"),
        ("nobody's verdict", ".*must have a verdict on each client; found none on client 5"),
        ("pair", r".*OwnSide must answer with Beginning\(start, alarm, detail\); found tuple"),
        ("start", r"the client's side OwnSide failed in round 0: .* a start of shape \[6\], .*; found .* \[5\]"),
    ],
)
def test_a_protocol_that_errs_is_named(play, wrong, told):
    with pytest.raises(RunFailed, match=f"^{told}"):
        play(defense=OwnProtocol(wrong=wrong))


def test_a_protocol_of_ones_own_may_be_right(play):
    assert [record.failure for record in play(rounds=2, defense=OwnProtocol()).rounds] == ["", ""]
