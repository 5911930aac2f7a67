"""What every attack owes its threat model.

Theorem. An attack with partial knowledge answers the same whatever the honest clients' updates are, which is how Fang,
Cao, Jia, Gong (USENIX Security 2020) define partial knowledge in section 2.3: rows, claimed numbers of examples,
lateness, and what it remembers. Every attack, whatever it sees, answers with one finite row per compromised client, in
their dtype, a positive number of examples and a delay, as a function of its view and its generator's seed alone, and
leaves the view as it was. It never asks the rule it assumes a question that this rule refuses.

Preconditions. The view is finite, and its float64 values are small enough to be squared. No number of rows is assumed:
with client sampling a cohort may hold any mix.

Proof sketch. `View.benign` is None under partial knowledge, so there is nothing to depend on; the properties below also
hand such an attack the honest rows, and it must not look. Its questions to the rule are watched as well: a rule asked
about hidden rows would tell of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fedprop.aggregators import AGGREGATORS
from fedprop.attacks import ATTACKS, Assumed, Attack, LabelFlip, View
from fedprop.errors import InvalidConfig
from fedprop.simulation.packing import pack
from fedprop.verify.attacks.inputs import Bowls


def rule(kind: str | None) -> Assumed:
    """The rule of this kind as an attack meets it; it refuses what it always refuses. The server's own is a median."""
    kind = kind or "median"

    def ask(updates: Tensor, f: int) -> tuple[Tensor, Tensor]:
        tolerance = {"f": f} if "f" in AGGREGATORS.kinds[kind].model_fields else {}
        return AGGREGATORS.parse({"kind": kind, **tolerance}).aggregate(updates)[:2]

    return ask


def name(attack: Attack) -> str:
    """What to call `attack` in a report."""
    chosen = [f"{field}={getattr(attack, field)}" for field in sorted(attack.model_fields_set - {"kind"})]
    return "-".join([attack.kind, *chosen])


ALL = list(ATTACKS.examples())
"""Every attack that is registered, in each configuration that it offers."""

PARTIAL = [attack for attack in ALL if attack.sees == "partial"]
BLIND = sorted({attack.kind for attack in PARTIAL})
FULL = [attack for attack in ALL if attack.sees == "full"]


def rows(n: int, d: int, dtype: torch.dtype) -> st.SearchStrategy[Tensor]:
    """Rows with ties, zeros, and values from tiny to enormous."""
    cell = st.integers(-3, 3) | st.floats(-(2.0**120), 2.0**120, width=32)
    lines = st.lists(st.lists(cell, min_size=d, max_size=d), min_size=n, max_size=n)
    return lines.map(lambda values: torch.tensor(values, dtype=dtype).reshape(n, d))


@st.composite
def views(draw: st.DrawFn, attack: Attack) -> View:
    """A view with the honest rows in it, whatever `attack` is entitled to."""
    c, b, d = draw(st.integers(0, 7)), draw(st.integers(0, 9)), draw(st.integers(1, 3))
    dtype = draw(st.sampled_from([torch.float32, torch.float64]))
    own, benign, origin = draw(rows(c, d, dtype)), draw(rows(b, d, dtype)), draw(rows(1, d, dtype))[0]
    known = {"received": draw(st.integers(1, 20)), "examples": draw(st.lists(COUNTS, min_size=c, max_size=c))}
    past = draw(rows(draw(st.integers(0, attack.looks_back)), d, dtype))
    return View(own, benign, origin, rule(attack.assumes), torch.Generator(), Bowls(), past=past, **known)


COUNTS = st.integers(1, 2**40)


def of(kind: str, attacks: Sequence[Attack]) -> st.SearchStrategy[Attack]:
    """Any of these that is of this kind."""
    return st.sampled_from([attack for attack in attacks if attack.kind == kind])


def told(attack: Attack, view: View, seed: int = 0) -> tuple[Any, list[Tensor]]:
    """All that an attack answers to a view, and once more when it remembers the first answer, in a form to compare."""
    first = attack.answer(replace(view, generator=torch.Generator().manual_seed(seed)))
    again = replace(view, generator=torch.Generator().manual_seed(seed), state=first.state)
    second = first if first.state is None else attack.answer(again)
    tensors: dict[str, Tensor] = {}
    return pack([tuple(first), tuple(second)], tensors), list(tensors.values())


def same(a: tuple[Any, list[Tensor]], b: tuple[Any, list[Tensor]]) -> bool:
    """Whether two of these are equal, to the bit."""
    return a[0] == b[0] and all(torch.equal(*pair) for pair in zip(a[1], b[1], strict=True))


@pytest.mark.parametrize("kind", BLIND)
@given(st.data())
@settings(deadline=None, max_examples=30)
def test_partial_knowledge_does_not_depend_on_benign_rows(kind: str, data: st.DataObject) -> None:
    attack = data.draw(of(kind, PARTIAL))
    view = data.draw(views(attack))
    other = data.draw(rows(len(view.benign), view.own.shape[1], view.own.dtype))

    def watched(updates: Tensor, f: int) -> tuple[Tensor, Tensor]:
        assert len(updates) <= 2 * len(view.own)
        return rule(attack.assumes)(updates, f)

    blind = told(attack, replace(view, benign=None, assumed=watched))
    assert same(blind, told(attack, view))
    assert same(blind, told(attack, replace(view, benign=other)))


@pytest.mark.parametrize("attack", FULL, ids=name)
def test_full_knowledge_cannot_do_without_benign_rows(attack: Attack) -> None:
    own = torch.tensor([[1.0, 2.0]])
    view = View(own, None, torch.zeros(2), rule(attack.assumes), torch.Generator())
    with pytest.raises(InvalidConfig, match="`benign` must hold"):
        attack.answer(view)


@pytest.mark.parametrize("attack", FULL, ids=name)
def test_full_knowledge_depends_on_benign_rows(attack: Attack) -> None:
    generator = torch.Generator().manual_seed(1)
    own, benign = torch.randn(2, 3, generator=generator), torch.randn(7, 3, generator=generator)
    view = View(own, benign, torch.zeros(3), rule(attack.assumes), generator)
    assert not same(told(attack, view), told(attack, replace(view, benign=3 * benign)))


@pytest.mark.parametrize("kind", ATTACKS.kinds)
@given(st.data())
@settings(deadline=None, max_examples=40)
def test_an_attack_answers_with_one_finite_row_per_client(kind: str, data: st.DataObject) -> None:
    attack = data.draw(of(kind, ALL))
    view = data.draw(views(attack))
    before = [part.clone() for part in (view.own, view.benign, view.origin, view.past)]
    reply = attack.answer(view)
    answer = reply.rows
    assert answer.shape == view.own.shape
    assert answer.dtype == view.own.dtype
    assert answer.device == view.own.device
    assert torch.isfinite(answer).all()
    assert all(torch.equal(*pair) for pair in zip(before, (view.own, view.benign, view.origin, view.past), strict=True))
    assert len(reply.examples) == len(reply.lateness) == len(answer)
    assert all(type(claim) is int and claim >= 1 for claim in reply.examples)
    assert all(seconds >= 0 for seconds in reply.lateness)


@pytest.mark.parametrize("kind", ATTACKS.kinds)
@given(st.data(), st.integers(0, 2**32))
@settings(deadline=None, max_examples=15)
def test_the_seed_decides(kind: str, data: st.DataObject, seed: int) -> None:
    attack = data.draw(of(kind, ALL))
    view = data.draw(views(attack))
    before = torch.get_rng_state()
    assert same(told(attack, view, seed), told(attack, view, seed))
    assert torch.equal(torch.get_rng_state(), before)


@given(st.integers(1, 20), st.data())
@settings(deadline=None)
def test_label_flip_is_an_involution_on_the_labels(classes: int, data: st.DataObject) -> None:
    y = torch.tensor(data.draw(st.lists(st.integers(0, classes - 1))), dtype=torch.int64)
    x = torch.zeros(len(y), 2)
    flip, generator = LabelFlip(), torch.Generator()
    _, flipped = flip.poison(x, y, classes, generator)
    assert ((flipped >= 0) & (flipped < classes)).all()
    assert torch.equal(flip.poison(x, flipped, classes, generator)[1], y)
