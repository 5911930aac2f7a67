"""What every attack owes its threat model.

Theorem. An attack with partial knowledge answers the same whatever the honest clients' updates are, which is how Fang,
Cao, Jia, Gong (USENIX Security 2020) define partial knowledge in section 2.3. Every attack, whatever it sees, answers
with one finite row per compromised client, in their dtype, as a function of its view and its generator's seed alone,
and leaves the view as it was. It never asks the rule it assumes a question that this rule refuses.

Preconditions. The view is finite, and its float64 values are small enough to be squared. No number of rows is assumed:
with client sampling a cohort may hold any mix.

Proof sketch. `View.benign` is None under partial knowledge, so there is nothing to depend on; the properties below also
hand such an attack the honest rows, and it must not look. Its questions to the rule are watched as well: a rule asked
about hidden rows would tell of them.
"""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fedprop.aggregators import AGGREGATORS
from fedprop.attacks import ATTACKS, Assumed, Attack, LabelFlip, View
from fedprop.errors import InvalidConfig
from fedprop.verify.attacks.inputs import Bowls


def rule(kind: str | None) -> Assumed:
    """The rule of this kind as an attack meets it; it refuses what it always refuses."""

    def ask(updates: Tensor, f: int) -> tuple[Tensor, Tensor]:
        tolerance = {"f": f} if "f" in AGGREGATORS.kinds[kind].model_fields else {}
        return AGGREGATORS.parse({"kind": kind, **tolerance}).aggregate(updates)[:2]

    return ask


def variants() -> list[Attack]:
    """Every registered attack, with each knowledge and goal that it offers."""
    found: list[Attack] = []
    for kind, cls in ATTACKS.kinds.items():
        options: list[dict[str, str]] = [{}]
        if "knowledge" in cls.model_fields:
            options = [{"knowledge": "partial"}, {"knowledge": "full"}]
        if "goal" in cls.model_fields:
            options += [{"knowledge": "full", "goal": "deviation"}]
        found += [ATTACKS.parse({"kind": kind, **option}) for option in options]
    return found


def name(attack: Attack) -> str:
    """What to call `attack` in a report."""
    return "-".join([attack.kind, attack.sees, getattr(attack, "goal", "")]).rstrip("-")


ALL = variants()
PARTIAL = [attack for attack in ALL if attack.sees == "partial"]
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
    return View(own, benign, origin, rule(attack.assumes), torch.Generator(), Bowls(), received=c + b)


def crafted(attack: Attack, view: View, seed: int = 0) -> Tensor:
    return attack.answer(replace(view, generator=torch.Generator().manual_seed(seed))).rows


@pytest.mark.parametrize("attack", PARTIAL, ids=name)
@given(st.data())
@settings(deadline=None, max_examples=50)
def test_partial_knowledge_does_not_depend_on_benign_rows(attack: Attack, data: st.DataObject) -> None:
    view = data.draw(views(attack))
    other = data.draw(rows(len(view.benign), view.own.shape[1], view.own.dtype))

    def watched(updates: Tensor, f: int) -> tuple[Tensor, Tensor]:
        assert len(updates) <= 2 * len(view.own)
        return rule(attack.assumes)(updates, f)

    blind = crafted(attack, replace(view, benign=None, assumed=watched))
    assert torch.equal(blind, crafted(attack, view))
    assert torch.equal(blind, crafted(attack, replace(view, benign=other)))


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
    assert not torch.equal(crafted(attack, view), crafted(attack, replace(view, benign=3 * benign)))


@pytest.mark.parametrize("attack", ALL, ids=name)
@given(st.data())
@settings(deadline=None, max_examples=50)
def test_an_attack_answers_with_one_finite_row_per_client(attack: Attack, data: st.DataObject) -> None:
    view = data.draw(views(attack))
    before = [part.clone() for part in (view.own, view.benign, view.origin)]
    answer = crafted(attack, view)
    assert answer.shape == view.own.shape
    assert answer.dtype == view.own.dtype
    assert answer.device == view.own.device
    assert torch.isfinite(answer).all()
    assert all(torch.equal(*pair) for pair in zip(before, (view.own, view.benign, view.origin), strict=True))


@pytest.mark.parametrize("attack", ALL, ids=name)
@given(st.data(), st.integers(0, 2**32))
@settings(deadline=None, max_examples=20)
def test_the_seed_decides(attack: Attack, data: st.DataObject, seed: int) -> None:
    view = data.draw(views(attack))
    before = torch.get_rng_state()
    assert torch.equal(crafted(attack, view, seed), crafted(attack, view, seed))
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
