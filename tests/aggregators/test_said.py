"""What a rule says of itself is looked at: a mistake in it is a sentence with the class and the property."""

from typing import Any

import pytest
import torch

from fedprop.aggregators import Aggregation, Aggregator, Cohort, Contract, Krum, Mean, NormClipping, Rooted
from fedprop.aggregators.said import Misstated, check_said
from fedprop.aggregators.tolerance import tolerated
from fedprop.defenses import RoundProtocol
from fedprop.defenses.said import misstated
from fedprop.properties import contract_of


class Plain(Aggregator):
    """The mean; the subclasses each make one mistake."""

    kind: str = "plain"

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        return Mean().combine(cohort, state)


class Typo(Plain):
    def contract(self) -> Contract:
        return Contract(permuation=True)  # type: ignore[call-arg]


class Dictionary(Plain):
    def contract(self) -> Any:
        return {"permutation": True}


class Two(Plain):
    def contract(self) -> Contract:
        return Contract(tolerates=2)  # type: ignore[arg-type]


class Half(Plain):
    def contract(self) -> Contract:
        return Contract(tolerates=lambda n: n // 2)  # type: ignore[arg-type,return-value]


class Fails(Plain):
    @property
    def min_rows(self) -> int:
        return self.nothing  # type: ignore[attr-defined,no-any-return]


class Method(Plain):
    def min_rows(self) -> int:  # type: ignore[override]
        return 3


class Broken(Plain):
    @property
    def min_rows(self) -> Any:
        return 2.5


class Text(Plain):
    @property
    def asks(self) -> Any:
        return "losses"


class Loss(Plain):
    @property
    def asks(self) -> Any:
        return {"loss"}


class Asking(RoundProtocol):
    kind: str = "asking"

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"model"})


class Ruled(RoundProtocol):
    kind: str = "ruled"

    @property
    def rule(self) -> Aggregator:
        return Text()


MISTAKES = [
    (Typo, r"`contract\(\)` of Typo must return a Contract; found that it fails: TypeError: .*'permuation'"),
    (Dictionary, r"`contract\(\)` of Dictionary must return a Contract; found {'permutation': True}"),
    (Two, r"`contract\(\)` of Two must return a Contract; found that it fails: .*tolerates"),
    (Half, "`tolerates` in the contract of Half must answer with a range of numbers f for n=1; found 0"),
    (Fails, "`min_rows` of Fails must be a number of rows, 0 or more; found that it fails: AttributeError"),
    (Method, "`min_rows` of Method must be a number of rows, 0 or more; found a method, which lacks @property"),
    (Broken, "`min_rows` of Broken must be a number of rows, 0 or more; found 2.5"),
    (Text, "`asks` of Text must be a set of names among accuracies, classifier, .*; found 'losses'"),
    (Loss, "`asks` of Loss must be a set of .*, losses, .*; found 'loss'; did you mean losses?"),
]


@pytest.mark.parametrize(("cls", "told"), MISTAKES)
def test_a_mistake_is_a_sentence_also_where_the_rule_is_a_part(cls: type[Aggregator], told: str) -> None:
    for rule in (cls(), NormClipping(max_norm=1.0) >> cls(), Rooted(rule=cls())):
        with pytest.raises(Misstated, match=told):
            check_said(rule)
        assert misstated(rule).startswith("`")


def test_what_is_right_passes() -> None:
    check_said(NormClipping(max_norm=1.0) >> Krum(f=2))
    assert misstated(Plain()) == ""


def test_whoever_reads_a_contract_alone_looks_at_it_too() -> None:
    for read in (contract_of, lambda rule: tolerated(rule, 5)):
        with pytest.raises(Misstated, match="of Dictionary"):
            read(Dictionary())


def test_a_protocol_is_looked_at_with_its_rule() -> None:
    assert misstated(Asking()) == (
        "`asks` of Asking must be a set of names among accuracies, losses, reference, rehearsals; found 'model'"
    )
    assert "`asks` of Text" in misstated(Ruled())


def test_the_rule_itself_still_answers() -> None:
    assert Loss()(torch.tensor([[1.0], [3.0]])).tolist() == [2.0]
