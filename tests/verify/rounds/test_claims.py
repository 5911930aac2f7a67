import pytest
import torch

from fedprop.aggregators import Krum, Mean, Median
from fedprop.defenses import Guarded
from fedprop.errors import InvalidConfig
from fedprop.properties import claims
from fedprop.verify.hunting.hunt import Effort, hunt, hunt_all
from fedprop.verify.rounds.claims import defense_claims, is_defense
from fedprop.verify.rounds.playing import accepted_by, clean
from fedprop.verify.rounds.sessions import Close, Model, Open, Send, Session
from tests.verify.rounds.machines import (
    AnswersAList,
    AnswersANumber,
    AnyCount,
    ClosesBadly,
    ClosesNothing,
    Copies,
    CountsJunk,
    Crashes,
    EightMessages,
    EndsPython,
    FirstCounts,
    FirstHundred,
    Forgets,
    Half,
    HandsOutItsMemory,
    HarmedByOpen,
    Ignores,
    Infinite,
    InPlace,
    KeepsReferences,
    KeepsTheList,
    LongValue,
    NeedsContiguous,
    NobodyIsZero,
    NumbersAsText,
    OneMore,
    Plain,
    Reopens,
    SevenSeats,
    SharedTable,
    Squares,
    Stale,
    Strangers,
    TenRounds,
    ThirtyTwoBits,
    TooStrict,
    Trusting,
    WholeNumbers,
    WrongClient,
)


def outcomes(target, examples=40, settings=None, only=()):
    found = defense_claims(target, f"{__name__}:{getattr(target, '__name__', type(target).__name__)}", settings or {})
    wanted = [claim for claim in found if not only or claim.name in only]
    return {outcome.name: outcome for outcome in hunt_all(wanted, Effort(examples, 0, shrink=False))}


def broken(found):
    return {name for name, outcome in found.items() if outcome.fails}


@pytest.mark.parametrize(
    "machine", [Plain, Plain(3), Guarded(Mean(), 2), Guarded(Krum(f=1), 1), Guarded(Median(), 2, dtype=torch.float64)]
)
def test_correct_machines_pass(machine):
    assert not broken(outcomes(machine))


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (Copies, "admission"),
        (Copies, "exactly once"),
        (Stale, "admission"),
        (Strangers, "admission"),
        (TooStrict, "admission"),
        (Trusting, "admission"),
        (AnyCount, "no such count"),
        (Squares, "examples"),
        (Ignores, "examples"),
        (Crashes, "calls answered"),
        (InPlace, "calls answered"),
        (ClosesBadly, "calls answered"),
        (ClosesNothing, "calls answered"),
        (AnswersANumber, "calls answered"),
        (AnswersAList, "calls answered"),
        (EndsPython, "calls answered"),
        (FirstCounts, "order of arrival"),
        (Forgets, "verdicts"),
        (Infinite, "verdicts"),
        (LongValue, "finite"),
        (WrongClient, "weights"),
        (SharedTable, "repeatable"),
        (CountsJunk, "exactly once"),
        (Reopens, "one round at a time"),
        (HarmedByOpen, "one round at a time"),
        (WholeNumbers, "weights"),
        (WholeNumbers, "equal updates"),
        (Half, "weights"),
        (OneMore, "equal updates"),
        (KeepsReferences, "own copies"),
        (KeepsTheList, "own copies"),
        (HandsOutItsMemory, "own copies"),
        (SevenSeats, "admission"),
        (EightMessages, "admission"),
        (NumbersAsText, "calls answered"),
        (TenRounds, "calls answered"),
        (NobodyIsZero, "admission"),
        (ThirtyTwoBits, "admission"),
        (NeedsContiguous, "calls answered"),
        (FirstHundred, "weights"),
    ],
)
def test_broken_machines_are_caught(machine, expected):
    found = outcomes(machine, examples=150, only=[expected])[expected]
    assert found.fails
    assert "machine" in found.counterexample.code


def test_what_nobody_claims_is_only_tried():
    class Unstated(Squares):
        contract = None

    found = outcomes(Unstated, only=["examples", "weights"])
    assert found["examples"].verdict == "broken"
    assert not broken(found)
    assert "examples" in broken(outcomes(claims(examples="ignored")(Unstated), only=["examples"]))


def test_what_is_a_defense():
    def make(size=1):
        return Plain(size)

    def needs_an_argument(rows):
        return rows

    def fails():
        raise ValueError

    assert is_defense(Plain)
    assert is_defense(Plain())
    assert is_defense(make)
    assert not any(map(is_defense, (needs_an_argument, fails, Mean, Mean(), len, 3, open)))
    assert not broken(outcomes(make, examples=10))


def test_settings_must_fit():
    with pytest.raises(InvalidConfig, match="is made"):
        defense_claims(Plain(), "Plain", {"size": 3})
    with pytest.raises(InvalidConfig, match="use --set name=value"):
        defense_claims(Guarded, "Guarded", {})
    assert not broken(outcomes(Plain, settings={"size": 5}, examples=10))


def test_the_law():
    model = Model()
    assert model.owed(Send(7, 0, 0)) is False
    model.open(Open(0, (7, 41)))
    assert model.owed(Send(7, 0, 0)) is True
    model.judged(Send(7, 0, 0), True)
    assert model.owed(Send(7, 0, 1)) is False
    assert model.owed(Send(5, 0, 1)) is False
    assert model.owed(Send(41, 1, 1)) is False
    assert model.owed(Send(41, 0, 1, form="nan")) is False
    assert model.owed(Send(41, 0, 1)) is None
    model.close()
    assert model.owed(Send(41, 0, 2)) is False
    assert model.accepted == [[Send(7, 0, 0)]]


def test_what_counts_is_the_first_accepted_message_of_each_client():
    session = Session(
        (
            Send(7, 0, 0),
            Open(0, (7,)),
            Send(7, 0, 1),
            Send(7, 0, 2),
            Close(),
            Open(1, (7,)),
            Send(7, 0, 3),
            Close(),
        )
    )
    rounds = accepted_by(session, [True, True, True, True])
    assert rounds == [[Send(7, 0, 1)], []]
    assert clean(session, rounds).operations == (Open(0, (7,)), Send(7, 0, 1), Close(), Open(1, (7,)), Close())


def test_the_code_shows_it_again(capsys):
    claim = next(c for c in defense_claims(Copies, f"{__name__}:Copies", {}) if c.name == "exactly once")
    code = hunt(claim, Effort(60, 0)).counterexample.code
    exec("import torch\n" + code[code.index("machine.open") :], {"machine": Copies(2)})
    assert capsys.readouterr().out.startswith("True\nTrue\nClosed(")
