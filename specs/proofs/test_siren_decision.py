"""SIREN+ accepts the benign clients and nobody else: proved for every round of up to six clients.

**Theorem (after Guo et al. 2024, Section 4.5).** Let 0 < C_s < 1, and let w_i be the accuracy of client i's model on
the root test set. Assume

1. some client is benign;
2. benign clients alarm if g_t is poisoned, and do not alarm if it is not;
3. every benign accuracy is above (1 - C_s) times the highest benign one;
4. every malicious accuracy is below (1 - C_s) times the highest benign one;
5. no two benign updates are at an angle above pi/2;
6. if g_t is clean, the malicious clients that alarm are alike: within C_s of the best of them, with no angle above pi/2
   to it.

Then in every round with an alarm exactly the benign updates are accepted, and the server rolls back if and only if g_t
is poisoned. If g_t is poisoned, there is an alarm, and 6 is not needed. In a round without an alarm g_t is clean, every
update is accepted, and so none of the benign ones is lost, but a malicious one may come in: case 2, which Section 4.5
allows. Everything holds with and without the weight check; without it, 5 is not needed.

*Premise 6 is not in the paper*, which takes it for granted that unlike alarming clients are not all malicious. With
`always_compare` the theorem holds without it.

*What Z3 is asked.* Alarms, accuracies, C_s and who is malicious are unknowns; so is, for every two clients, whether
their updates agree: any vectors of any dimension give some such table, and the weight check off is the table that is
true everywhere. In place of the products (1 - C_s) w_i, which are hard for Z3, stand unknown margins that are ordered
as the accuracies are and lie between 0 and them: the products are such margins, for every C_s. In the table of theorems
f is how many clients may be malicious.

*Left out.* Without any one premise Z3 must find a round that breaks the theorem, and the package's `decide` must go
wrong on it in the same way. That the formulas are those of `decide` is tested on rounds drawn at random.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, permutations
from typing import TypeAlias

import pytest

z3 = pytest.importorskip("z3", reason="needs the extra `proofs`")

from hypothesis import given
from hypothesis import strategies as st
from proofs.formulas import reals
from proofs.prover import Goal, Refuted, number

from fedprop.defenses.siren_plus import Case, Decision, decide

pytestmark = pytest.mark.proof

SIZES = (1, 2, 3, 4, 5, 6)
EXACT = "SIREN+ accepts the benign and nobody else"
POISONED = z3.Bool("poisoned")
C_S = Fraction(1, 10)
"""Of the rounds to replay."""

Group: TypeAlias = Sequence[z3.BoolRef]
"""Who belongs to a group of clients, one formula for each."""


@dataclass(frozen=True)
class Table:
    """Evidence that is written down, exact: an accuracy for each row, and whether two rows i < j agree."""

    accuracies: Sequence[Fraction]
    agree: Mapping[tuple[int, int], bool]

    def accuracy(self, row: int) -> Fraction:
        return self.accuracies[row]

    def agrees(self, row: int, other: int) -> bool:
        return row == other or self.agree[min(row, other), max(row, other)]


class Round:
    """A round of n clients as formulas: what is unknown, what the premises say, and what the server decides."""

    def __init__(self, n: int, *, always_compare: bool = False) -> None:
        self.clients = range(n)
        self.always_compare = always_compare
        self.accuracy, self.margin = reals("w", n), reals("m", n)
        self.alarm, self.malicious = z3.Bools(names("alarm", n)), z3.Bools(names("malicious", n))
        self.pairs = {pair: z3.Bool(f"agree{pair[0]}_{pair[1]}") for pair in combinations(self.clients, 2)}
        self.silent = [z3.Not(alarm) for alarm in self.alarm]
        self.benign = [z3.Not(malicious) for malicious in self.malicious]

    def agree(self, i: int, j: int) -> z3.BoolRef:
        return z3.BoolVal(True) if i == j else self.pairs[min(i, j), max(i, j)]

    def leads(self, group: Group) -> Group:
        """For each client, whether it is one of the most accurate ones of a group."""
        w = self.accuracy
        return [
            z3.And(group[i], *(z3.Implies(group[j], w[j] <= w[i]) for j in self.clients if j != i))
            for i in self.clients
        ]

    def alike(self, group: Group) -> Group:
        """For each client, whether it is in the group, within the margin of its best, and passes the weight check."""
        leads, w, m = self.leads(group), self.accuracy, self.margin
        near = [z3.Or(leads[i], *(z3.And(leads[j], m[j] < w[i]) for j in self.clients)) for i in self.clients]
        agrees = [z3.Or([z3.And(leads[j], self.agree(i, j)) for j in self.clients]) for i in self.clients]
        return [z3.And(group[i], near[i], agrees[i]) for i in self.clients]

    def all_alike(self, group: Group) -> z3.BoolRef:
        return z3.And([z3.Implies(member, kept) for member, kept in zip(group, self.alike(group), strict=True)])

    def as_good(self) -> z3.BoolRef:
        """Whether the best silent client is within the margin of the best alarming one."""
        leads = self.leads(self.alarm)
        pairs = permutations(self.clients, 2)
        return z3.Or([z3.And(leads[i], self.silent[j], self.margin[i] <= self.accuracy[j]) for i, j in pairs])

    def cases(self) -> Mapping[Case, z3.BoolRef]:
        """When each case of `decide` applies, each by itself."""
        alarmed, similar, as_good = z3.Or(self.alarm), self.all_alike(self.alarm), self.as_good()
        compared = z3.BoolVal(True) if self.always_compare else similar
        return {
            Case.QUIET: z3.And(self.silent),
            Case.FALSE_ALARMS: z3.And(alarmed, compared, as_good),
            Case.TRUE_ALARMS: z3.And(alarmed, similar, z3.Not(as_good)),
            Case.DIVERGENT: z3.And(alarmed, z3.Not(similar), z3.Not(z3.And(compared, as_good))),
        }

    def accepted(self) -> Group:
        """For each client, whether its update is aggregated."""
        cases, alarming, silent = self.cases(), self.alike(self.alarm), self.alike(self.silent)
        quiet, false_alarms = cases[Case.QUIET], cases[Case.FALSE_ALARMS]
        rollback = self.rollback()
        return [z3.Or(quiet, z3.And(false_alarms, silent[i]), z3.And(rollback, alarming[i])) for i in self.clients]

    def rollback(self) -> z3.BoolRef:
        return z3.Or([applies for case, applies in self.cases().items() if case.rollback])

    def basics(self) -> list[z3.BoolRef]:
        """Accuracies are not negative, and margins are what (1 - C_s) times an accuracy can be."""
        w, m = self.accuracy, self.margin
        order = [(m[i] <= m[j]) == (w[i] <= w[j]) for i, j in permutations(self.clients, 2)]
        below = [z3.If(w[i] > 0, z3.And(m[i] > 0, m[i] < w[i]), z3.And(w[i] == 0, m[i] == 0)) for i in self.clients]
        return [*order, *below]

    def premises(self, *without: int) -> list[z3.BoolRef]:
        """The premises of the theorem that are not left out."""
        w, m, benign, malicious = self.accuracy, self.margin, self.benign, self.malicious
        pairs = list(permutations(self.clients, 2))
        outside = [z3.Or([z3.And(benign[j], w[i] < m[j]) for j in self.clients]) for i in self.clients]
        lies = [z3.And(alarm, liar) for alarm, liar in zip(self.alarm, malicious, strict=True)]
        stated = {
            1: z3.Or(benign),
            2: z3.And([z3.Implies(benign[i], self.alarm[i] == POISONED) for i in self.clients]),
            3: z3.And([z3.Implies(z3.And(benign[i], benign[j]), m[i] < w[j]) for i, j in pairs]),
            4: z3.And([z3.Implies(z3.And(malicious[i], z3.Or(benign)), outside[i]) for i in self.clients]),
            5: z3.And([z3.Implies(z3.And(benign[i], benign[j]), agree) for (i, j), agree in self.pairs.items()]),
            6: z3.Or(POISONED, self.all_alike(lies)),
        }
        return [*self.basics(), *(premise for label, premise in stated.items() if label not in without)]

    def exact(self) -> z3.BoolRef:
        """The benign clients are accepted, nobody else, and the server rolls back from a poisoned model only."""
        right = [accepted == benign for accepted, benign in zip(self.accepted(), self.benign, strict=True)]
        return z3.And(*right, self.rollback() == POISONED)

    def exact_margins(self) -> list[z3.BoolRef]:
        """The margins are (1 - C_s) times the accuracies, as `decide` computes them."""
        share = z3.Q(*(1 - C_S).as_integer_ratio())
        return [m == share * w for m, w in zip(self.margin, self.accuracy, strict=True)]

    def alarmed(self, poisoned: bool) -> list[z3.BoolRef]:
        """Somebody alarms, and g_t is poisoned, or clean."""
        return [z3.Or(self.alarm), poisoned == POISONED]

    def holds(self, model: z3.ModelRef, formulas: Group) -> list[bool]:
        """Which of the formulas are true in a model."""
        return [z3.is_true(model.eval(formula, model_completion=True)) for formula in formulas]

    def replay(self, model: z3.ModelRef) -> Decision:
        """What the package decides in the round of a model."""
        agrees = dict(zip(self.pairs, self.holds(model, list(self.pairs.values())), strict=True))
        table = Table([number(model, w) for w in self.accuracy], agrees)
        return decide(self.holds(model, self.alarm), table, c_s=C_S, always_compare=self.always_compare)


def names(word: str, n: int) -> list[str]:
    return [f"{word}{i}" for i in range(n)]


@pytest.mark.parametrize("always_compare", [False, True])
@pytest.mark.parametrize("n", SIZES)
def test_exactly_one_case_applies_and_somebody_is_accepted(
    n: int, always_compare: bool, proved: Callable[..., None]
) -> None:
    round = Round(n, always_compare=always_compare)
    one = z3.PbEq([(applies, 1) for applies in round.cases().values()], 1)
    goals = [Goal(one, round.basics()), Goal(z3.Or(round.accepted()), round.basics())]
    theorem = "SIREN+'s cases are exhaustive and exclusive" + ", always compared" * always_compare
    proved(theorem, goals, n=n, f=n, d="any")


@pytest.mark.parametrize("n", SIZES)
def test_from_a_poisoned_model_the_benign_clients_return(n: int, proved: Callable[..., None]) -> None:
    round = Round(n)
    goal = Goal(z3.And(z3.Or(round.alarm), round.exact()), [*round.premises(6), POISONED])
    proved(f"{EXACT}, poisoned model", [goal], n=n, f=n - 1, d="any")


@pytest.mark.parametrize("n", SIZES[1:])
def test_false_alarms_that_are_alike_do_no_harm(n: int, proved: Callable[..., None]) -> None:
    round = Round(n)
    goal = Goal(round.exact(), [*round.premises(), z3.Or(round.alarm), z3.Not(POISONED)])
    proved(f"{EXACT}, false alarms", [goal], n=n, f=n - 1, d="any")


@pytest.mark.parametrize("n", SIZES[1:])
def test_false_alarms_do_no_harm_if_silent_clients_are_always_compared(n: int, proved: Callable[..., None]) -> None:
    round = Round(n, always_compare=True)
    goal = Goal(round.exact(), [*round.premises(6), z3.Or(round.alarm)])
    proved(f"{EXACT}, any alarm, always compared", [goal], n=n, f=n - 1, d="any")


@pytest.mark.parametrize("n", SIZES)
def test_without_an_alarm_no_benign_update_is_lost(n: int, proved: Callable[..., None]) -> None:
    round = Round(n)
    kept = [z3.Implies(benign, accepted) for benign, accepted in zip(round.benign, round.accepted(), strict=True)]
    goal = Goal(z3.And(*kept, z3.Not(POISONED)), [*round.premises(), z3.Not(z3.Or(round.alarm))])
    proved("SIREN+ without an alarm: the model is clean, no benign update is lost", [goal], n=n, f=n - 1, d="any")


LEFT_OUT = [
    pytest.param(1, 1, True, id="nobody is benign"),
    pytest.param(2, 2, True, id="benign clients do not notice poison"),
    pytest.param(2, 2, False, id="benign clients alarm without poison"),
    pytest.param(3, 2, True, id="benign models differ"),
    pytest.param(4, 2, True, id="malicious models are good"),
    pytest.param(5, 2, True, id="benign updates point apart"),
    pytest.param(6, 3, False, id="false alarms differ"),
]


@pytest.mark.parametrize(("premise", "n", "poisoned"), LEFT_OUT)
def test_every_premise_is_needed(premise: int, n: int, poisoned: bool, refuted: Callable[..., Refuted]) -> None:
    round = Round(n)
    goal = Goal(round.exact(), [*round.alarmed(poisoned), *round.exact_margins(), *round.premises(premise)])
    what = f"{EXACT}, {'poisoned' if poisoned else 'clean'} model, without premise {premise}"
    model = refuted(what, goal, n=n, f=n, d="any").model
    assert goes_wrong(round, model, poisoned)


def test_a_reverse_update_does_not_give_a_good_model_away(refuted: Callable[..., Refuted]) -> None:
    """With premise 4 "or at an angle above pi/2 to every benign update", a silent client discredits true alarms."""
    round = Round(2)
    apart = [z3.Not(agree) for agree in round.pairs.values()]
    one_of_each = [round.benign[0], round.malicious[1], round.accuracy[1] < round.accuracy[0], *apart]
    goal = Goal(round.exact(), [*round.alarmed(True), *round.exact_margins(), *round.premises(4), *one_of_each])
    model = refuted(f"{EXACT}, if malicious updates are reverse or bad", goal, n=2, f=1, d="any").model
    assert goes_wrong(round, model, True)
    assert round.replay(model).case is Case.FALSE_ALARMS


def goes_wrong(round: Round, model: z3.ModelRef, poisoned: bool) -> bool:
    decision = round.replay(model)
    return decision.accepted != tuple(round.holds(model, round.benign)) or decision.rollback != poisoned


rounds = st.integers(1, 3).flatmap(
    lambda n: st.tuples(
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.lists(st.sampled_from([Fraction(i, 100) for i in (0, 80, 81, 90, 100)]), min_size=n, max_size=n),
        st.sets(st.sampled_from(list(combinations(range(n), 2)))) if n > 1 else st.just(set()),
    )
)


@given(rounds, st.booleans())
def test_the_formulas_are_those_of_decide(drawn: tuple, always_compare: bool) -> None:
    alarms, accuracies, reverse = drawn
    round = Round(len(alarms), always_compare=always_compare)
    solver = z3.Solver()
    solver.add(*round.exact_margins(), *(a == value for a, value in zip(round.alarm, alarms, strict=True)))
    solver.add(*(w == z3.Q(*value.as_integer_ratio()) for w, value in zip(round.accuracy, accuracies, strict=True)))
    solver.add(*(agree == (pair not in reverse) for pair, agree in round.pairs.items()))
    assert solver.check() == z3.sat
    decision = round.replay(solver.model())
    assert decision.accepted == tuple(round.holds(solver.model(), round.accepted()))
    cases = round.cases()
    assert [*cases].index(decision.case) == round.holds(solver.model(), list(cases.values())).index(True)
