"""The rule that aggregates may be anybody's: what it answers is looked at, and what goes wrong is named."""

from typing import ClassVar, Literal

import pytest
import torch

from fedprop.aggregators import Aggregation, Aggregator, NormClipping
from fedprop.defenses import Beginning, RoundProtocol, Ruling, Screened
from fedprop.errors import InvalidUpdates, RunFailed
from fedprop.messages import Draft, Report
from fedprop.simulation.asking import ask_after
from fedprop.simulation.engine import simulate


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
            case "says what no file can hold":
                raise InvalidUpdates("no caf\udce9")
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
    unheard = play(rounds=2, defense=Own(wrong="says what no file can hold")).rounds
    assert [record.failure for record in unheard] == [r"no caf\udce9"] * 2


def test_gradients_are_left_behind(play):
    assert play(defense=Own(wrong="gradient")).trace_sha256 == play(defense=Own()).trace_sha256


def test_a_memory_that_no_checkpoint_can_hold_is_named(play):
    message = "^cannot save set in a checkpoint: what rule own and others remember must be plain data"
    with pytest.raises(RunFailed, match=message):
        play(defense=Own(wrong="set"))


class Word(Report):
    """Says nothing much."""

    kind: Literal["word"] = "word"
    kept: bool = True


class Undeclared(Word):
    kind: Literal["undeclared"] = "undeclared"


class OwnProtocol(RoundProtocol):
    """Fills in every step and changes nothing, unless something is to go wrong."""

    reports: ClassVar[tuple[type[Report], ...]] = (Word,)

    kind: str = "own_protocol"
    wrong: str = ""

    def bad(self, wrong, answer, right):
        return answer if self.wrong == wrong else right

    def select(self, available, wanted, memory, *, round, generator):
        if self.wrong == "select raises":
            raise KeyError("x")
        if self.wrong == "nobody":
            return []
        wrongs = {"a stranger": [*available[:-1], 99], "twice": [*available[:-1], 0], "no clients": "all"}
        return wrongs.get(self.wrong, available[:wanted])

    def invite(self, client, parameters, memory, *, generator):
        return self.bad("short invitation", parameters[1:], parameters)

    def begin(self, client, received, last, *, test):
        if self.wrong == "pair":
            return received, False
        drafts = (Draft(self.bad("undeclared", Undeclared, Word), {}),)
        return Beginning(self.bad("start", received[1:], received), self.bad("list", [*drafts], drafts))

    def finish(self, client, received, update):
        return self.bad("finish", None, update)

    def report(self, client, received, update):
        return self.bad("no drafts", "nothing", ())

    def screen(self, replies, memory):
        verdicts = dict.fromkeys(replies.clients, "fine")
        if self.wrong == "nobody's verdict":
            del verdicts[replies.clients[-1]]
        accepted = (True,) * (len(replies.clients) - (self.wrong == "too few"))
        if self.wrong == "tuple":
            return accepted, verdicts, memory
        return Screened(accepted, Ruling("all", verdicts), memory)

    def aggregate(self, cohort, memory, *, rule):
        right = rule(cohort)
        wrongs = {"value": right.value, "nan": right._replace(value=right.value * torch.nan)}
        if self.wrong == "declines":
            raise InvalidUpdates("not today")
        return wrongs.get(self.wrong, right)

    def after(self, parameters, memory, *, round, generator):
        return self.bad("long", torch.cat([parameters, parameters]), parameters)


WRONG = {
    "select raises": r"KeyError: 'x' \(test_asking\.py, line \d+\)",
    "nobody": r"OwnProtocol\.select must invite from 1 to 6 clients; found 0",
    "a stranger": "must invite clients that are available; found client 99",
    "twice": "must invite each client once at most",
    "no clients": "OwnProtocol.select must answer with clients; found str",
    "short invitation": r"OwnProtocol\.invite must answer with a model of shape \[6\], .*; found .* \[5\]",
    "pair": r"OwnProtocol\.begin must answer with Beginning\(start, reports, detail\); found tuple",
    "start": r"must answer with a start of shape \[6\], .*; found .* \[5\]",
    "undeclared": r"must make reports of the declared kinds, \['Word'\]; found Undeclared",
    "list": "must answer with a tuple of drafts of reports; found list",
    "finish": "OwnProtocol.finish must answer with an update of shape .*; found NoneType",
    "no drafts": "OwnProtocol.report must answer with a tuple of drafts of reports; found str",
    "tuple": r"must answer with Screened\(accepted, ruling, memory\); found tuple",
    "too few": "must accept or refuse each of 6 updates; found 5 answers",
    "nobody's verdict": "must have a verdict on each client; found none on client 5",
    "value": r"must answer with Aggregation\(value, weights, state\); found a tensor",
    "nan": "OwnProtocol.aggregate must answer with a value of finite numbers; found NaN or infinity",
    "long": r"OwnProtocol\.after must answer with a model of shape \[6\], .*; found .* \[12\]",
}


def test_a_protocol_that_errs_is_named_with_its_step(configure, log):
    for wrong, told in WRONG.items():
        with pytest.raises(RunFailed, match=f"^protocol own_protocol failed in `[a-z]+` in round 0: .*{told}"):
            simulate(configure(defense=OwnProtocol(wrong=wrong)), log)


def test_a_protocol_may_decline_a_round(play):
    assert [record.failure for record in play(rounds=2, defense=OwnProtocol(wrong="declines")).rounds] == [
        "not today"
    ] * 2


def test_a_protocol_that_changes_nothing_leads_where_its_rule_does(configure, log):
    own, plain = (simulate(configure(rounds=2, defense=defense), log) for defense in (OwnProtocol(), "mean"))
    assert [record.failure for record in own.rounds] == ["", ""]
    assert torch.equal(own.parameters, plain.parameters)
    assert {event.detail for event in log.of("ruled")} == {"all"}


class Shared(OwnProtocol):
    """All clients are handed the same global model."""

    invite = RoundProtocol.invite


class Scribbling(Shared):
    """Answers as the other does, and then writes to whatever it was handed."""

    def begin(self, client, received, last, *, test):
        right = Beginning(received.clone(), (Draft(Word, {}),))
        for model in (received, last):
            if model is not None:
                model.zero_()
        return right

    def finish(self, client, received, update):
        right = update.clone()
        received.zero_(), update.zero_()
        return right

    def report(self, client, received, update):
        received.zero_(), update.zero_()
        return ()

    def after(self, parameters, memory, *, round, generator):
        right = parameters.clone()
        parameters.zero_()
        return right


class ScribblingFromTheStart(Scribbling):
    """Each client is handed a model of its own."""

    def invite(self, client, parameters, memory, *, generator):
        right = parameters.clone()
        parameters.zero_()
        return right


def test_a_protocol_that_writes_to_what_it_is_handed_changes_nothing_else(play):
    for quiet, scribbling in ((Shared, Scribbling), (OwnProtocol, ScribblingFromTheStart)):
        plain, scribbled = (play(rounds=3, defense=protocol()) for protocol in (quiet, scribbling))
        assert scribbled.trace_sha256 == plain.trace_sha256
        assert torch.equal(scribbled.parameters, plain.parameters)


def test_frozen_parameters_are_safe_from_the_last_step():
    """They are put back from the model that the step was handed."""
    handed = torch.ones(6)
    ask_after(Scribbling(), handed, None, round=0, generator=torch.Generator())
    assert handed.tolist() == [1] * 6
