from typing import Literal

import pytest
import torch

from fedprop.attacks import ATTACKS, Attack, FangKrum, LabelFlip, SignFlip
from fedprop.errors import InvalidConfig
from fedprop.verify.attacks.claims import attack_claims, is_attack
from fedprop.verify.attacks.inputs import variants
from fedprop.verify.hunting.hunt import Effort, hunt, hunt_all
from tests.verify.attacks.attackers import (
    AnswersAList,
    AnswersBeforeItIsAsked,
    AsksAboutOthers,
    BelievesInTheMean,
    ClaimsAsManyAsOthers,
    ClaimsForOne,
    ClaimsNothing,
    CrashesAlone,
    Declines,
    EndsPython,
    FewClientsOnly,
    FirstOnly,
    Infinite,
    LooksAway,
    MinMax,
    NarrowModelsOnly,
    NeedsOthers,
    NewModelsOnly,
    NumpyNoise,
    OneStepTooFar,
    PythonNoise,
    Remembers,
    RemembersAnObject,
    SpoilsTheModel,
    SpoilsThePast,
    StirsTorch,
    Strict,
    TellsCheckpointsApart,
    ToolsUndeclared,
    WaitsForOthers,
)


def outcomes(target, settings=None, examples=25, only=()):
    label = f"{__name__}:{getattr(target, '__name__', type(target).__name__)}"
    claims = attack_claims(target, label, settings or {})
    wanted = [claim for claim in claims if not only or claim.name in only]
    return {outcome.name: outcome for outcome in hunt_all(wanted, Effort(examples, 0, shrink=False))}


def broken(found):
    return {name for name, outcome in found.items() if outcome.fails}


UNCLAIMED = {"agr_tailored": {"order"}}
"""What built-in attacks need not have: of updates with equal scores, a rule that is asked selects the first."""


@pytest.mark.parametrize("kind", ATTACKS.kinds)
def test_built_in_attacks_are_what_they_claim(kind):
    found = outcomes(ATTACKS.kinds[kind], examples=12)
    assert not broken(found)
    assert {name for name, outcome in found.items() if outcome.verdict == "broken"} <= UNCLAIMED.get(kind, set())


def test_a_correct_attack_with_a_constraint_passes():
    found = outcomes(MinMax)
    assert not broken(found)
    assert found["within benign diameter"].examples == 25 + 2


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        (OneStepTooFar, {"within benign diameter"}),
        (AsksAboutOthers, {"partial knowledge"}),
        (NumpyNoise, {"own randomness"}),
        (PythonNoise, {"own randomness"}),
        (StirsTorch, {"own randomness"}),
        (SpoilsTheModel, {"untouched"}),
        (SpoilsThePast, {"untouched"}),
        (ClaimsAsManyAsOthers, {"partial knowledge"}),
        (WaitsForOthers, {"partial knowledge"}),
        (ClaimsNothing, {"said"}),
        (AnswersBeforeItIsAsked, {"said"}),
        (ClaimsForOne, {"said"}),
        (RemembersAnObject, {"memory"}),
        (TellsCheckpointsApart, {"memory"}),
    ],
)
def test_broken_attacks_are_caught(attack, expected):
    assert broken(outcomes(attack)) == expected


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        (NeedsOthers, "partial knowledge"),
        (CrashesAlone, "answers"),
        (AnswersAList, "answers"),
        (EndsPython, "answers"),
        (NewModelsOnly, "answers"),
        (NarrowModelsOnly, "one row each"),
        (FewClientsOnly, "one row each"),
        (BelievesInTheMean, "answers"),
        (ToolsUndeclared, "answers"),
    ],
)
def test_attacks_that_fail_are_caught(attack, expected):
    assert expected in broken(outcomes(attack, only=[expected], examples=100))


def test_an_attack_sees_what_the_simulator_shows_it():
    assert not broken(outcomes(LooksAway, only=["answers", "partial knowledge"]))


def test_hidden_memory_is_caught():
    assert "repeatable" in broken(outcomes(Remembers))


def test_what_is_only_tried_does_not_decide():
    found = outcomes(FirstOnly)
    assert not broken(found)
    assert found["order"].verdict == found["nobody benign"].verdict == "broken"


def test_an_attack_may_decline_but_not_every_view():
    found = outcomes(Declines, only=["answers"])
    assert found["answers"].verdict == "unanswered"
    assert "never" in found["answers"].why


def test_poison_that_is_wrong_is_caught():
    class Poison(Attack):
        kind: Literal["poison"] = "poison"
        how: Literal["drops", "other class", "nan", "in place", "global", "exits", "floats", "few"]

        def poison(self, x, y, classes, generator):
            if self.how == "in place":
                y.fill_(0)
            if self.how == "floats":
                return 1.0 * x, y
            if self.how == "few":
                return x[:20], y[:20]
            if self.how == "exits":
                raise SystemExit(0)
            if self.how == "drops":
                return x[1:], y[1:]
            if self.how == "global":
                return x + torch.randint(1, 99, ()), y
            return (x / 0 if self.how == "nan" else x), (y + 1 if self.how == "other class" else y)

    claims = {"floats": 0, "few": 0, "drops": 0, "other class": 0, "nan": 0, "in place": 1, "global": 2, "exits": 0}
    names = ["poisoned data", "data untouched", "poison repeatable"]
    for how, expected in claims.items():
        found = outcomes(Poison, {"how": how}, only=names, examples=60)
        assert broken(found) == ({names[expected]} if how != "exits" else set(names)), how
        assert found[names[expected]].counterexample.title.startswith("labels of")


def test_poison_may_decline_a_form_of_inputs():
    class Trigger(LabelFlip):
        def poison(self, x, y, classes, generator):
            x = x.clone()
            x[:, :, :2, :2] = 1
            return x, y

    found = outcomes(Trigger, only=["poisoned data"])["poisoned data"]
    assert found.verdict == "holds"
    assert "refused" in found.why


def test_every_choice_left_open_is_tried():
    made = [attack for _, attack in variants(FangKrum, "", {})]
    assert {(a.knowledge, a.goal, a.direction) for a in made} == {
        (knowledge, goal, direction)
        for knowledge in ("partial", "full")
        for goal in ("directed", "deviation")
        for direction in ("rule", "mean")
        if (knowledge, goal) != ("partial", "deviation")
    }
    assert {a.knowledge for _, a in variants(FangKrum, "", {"knowledge": "full"})} == {"full"}


def test_settings_must_fit():
    with pytest.raises(InvalidConfig, match="use --set name=value"):
        attack_claims(Strict, "Strict", {})
    with pytest.raises(InvalidConfig, match="which is made"):
        attack_claims(SignFlip(), "SignFlip", {"z": 1.0})
    assert not broken(outcomes(Strict, {"z": 2.0}, examples=10))


def test_the_code_makes_a_large_cohort_again(capsys):
    claims = {claim.name: claim for claim in attack_claims(NarrowModelsOnly, f"{__name__}:NarrowModelsOnly", {})}
    found = hunt(claims["one row each"], Effort(60, 0)).counterexample
    assert "own, benign = crowd(1, 1, 130, " in found.code
    code = found.code.partition("attack = ")[2].partition("\n")[2]
    imports = "import torch\nfrom fedprop.verify.attacks.inputs import SERVERS, crowd, view_of\n"
    exec(imports + code, {"attack": NarrowModelsOnly()})
    assert "tensor([[" in capsys.readouterr().out
    assert (len(found.rows), len(found.rows[0])) == (2, 130)


def test_what_is_an_attack():
    assert is_attack(SignFlip)
    assert is_attack(SignFlip())
    assert not is_attack(len)


def test_the_code_shows_it_again(capsys):
    found = outcomes(Infinite, only=["finite"])["finite"].counterexample
    code = found.code.partition("attack = ")[2].partition("\n")[2]
    exec("import torch\nfrom fedprop.verify.attacks.inputs import SERVERS, view_of\n" + code, {"attack": Infinite()})
    assert capsys.readouterr().out == "tensor([[inf]], dtype=torch.float64)\n"
    assert "origin = torch.tensor([0.0], dtype=torch.float64)" in code
    assert found.rows == ((0.0,), (0.0,))
    assert found.byzantine == (0,)
