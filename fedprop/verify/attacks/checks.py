"""What can be wrong with an attack's answer to one view, or with the data that it poisons."""

from dataclasses import replace
from typing import Any, TypeAlias

import torch
from torch import Tensor

from fedprop.attacks import Reply, View
from fedprop.errors import FedpropError
from fedprop.failures import in_words
from fedprop.properties import Finding
from fedprop.simulation.packing import copied, pack
from fedprop.types import Updates, Vector, Weights
from fedprop.verify.attacks.inputs import Shard, Situation
from fedprop.verify.hunting.claim import Crashed, EndsPython, Refused, contained
from fedprop.verify.hunting.randomness import seeded

Question: TypeAlias = tuple[Updates, int]
"""Rows and the f that the assumed rule is asked about."""


def answer(case: Situation, view: View) -> Reply:
    """The attack's answer, with the global generators in the same state every time."""
    with seeded(0):
        return _ask(case, view)


def first(case: Situation) -> Reply:
    """The answer to the view as it is, asked for once: all claims look at the same one, and it may take long."""
    if not case.asked:
        view = case.view()
        try:
            case.asked.append((view, answer(case, view)))
        except (Refused, Crashed) as error:
            case.asked.append((view, error))
    _, found = case.asked[0]
    if isinstance(found, FedpropError):
        raise found
    return found


def _ask(case: Situation, view: View) -> Reply:
    """The answer. An attack may decline a view by an error of this package; anything else is a crash."""
    try:
        with contained():
            found = case.attack.answer(view)
    except FedpropError as error:
        raise Refused(in_words(error)) from error
    except Exception as error:
        raise Crashed(in_words(error)) from error
    if not isinstance(found.rows, Tensor):
        raise Crashed(f"the rows must be a tensor; found {type(found.rows).__name__}")
    return found


def answers(case: Situation) -> Finding | None:
    """Whether the attack crashes on a finite view."""
    try:
        first(case)
    except Crashed as error:
        return Finding(str(error))
    return None


def shape(case: Situation) -> Finding | None:
    """Whether there is one row for each compromised client, like its own."""
    crafted, own = first(case).rows, case.own
    if (crafted.shape, crafted.dtype, crafted.device) == (own.shape, own.dtype, own.device):
        return None
    owed = f"where {list(own.shape)}, {own.dtype}, {own.device} are due"
    return Finding(f"{list(crafted.shape)}, {crafted.dtype}, {crafted.device}", how=owed)


def finite(case: Situation) -> Finding | None:
    """Whether the crafted rows are finite."""
    crafted = first(case).rows
    return None if torch.isfinite(crafted).all() else Finding(crafted)


def said(case: Situation) -> Finding | None:
    """Whether each client claims an example or more, and waits for no negative time."""
    found, c = first(case), len(case.own)
    claims, delays = found.examples, found.lateness
    if len(claims) != c or any(type(claim) is not int or not 1 <= claim < 2**63 for claim in claims):
        return Finding(str(list(claims)), how=f"claimed as numbers of examples of {c} clients", want=_SAID)
    if len(delays) != c or any(type(delay) not in (int, float) or not delay >= 0 for delay in delays):
        return Finding(str(list(delays)), how=f"as the seconds that {c} clients are late", want=_SAID)
    return None


def memory(case: Situation) -> Finding | None:
    """Whether what the attack remembers survives a checkpoint: the next answer is the same with or without one."""
    state = first(case).state
    try:
        kept = copied(state)
    except TypeError as error:
        return Finding(f"it remembers what no checkpoint holds ({error})", want=_REMEMBERED)
    if state is None:
        return None
    following = [answer(case, case.view(state=known)) for known in (state, kept)]
    return _unlike(following[1], following[0], "when its state comes from a checkpoint", _REMEMBERED)


def untouched(case: Situation) -> Finding | None:
    """Whether the view is left as it was."""
    first(case)
    (view, _), before = case.asked[0], case.view()
    for name in ("own", "benign", "origin", "past"):
        now, then = getattr(view, name), getattr(before, name)
        if now is not None and not torch.equal(now, then):
            want = f"attack.answer(view)\nprint(view.{name})"
            return Finding(now, then, how=f"in `view.{name}` afterwards", want=want)
    return None


def repeatable(case: Situation) -> Finding | None:
    """Whether an equal view has an equal answer: later, after another view, and from a copy of the attack."""
    once = first(case)
    other = replace(case, own=case.own + 1, seed=case.seed + 1)
    answer(other, other.view())
    fresh = replace(case, attack=case.attack.model_copy(deep=True))
    for asked, how in ((case, "when asked again, after another view"), (fresh, "from a copy of the attack")):
        again = answer(asked, asked.view())
        found = _unlike(again, once, how, "print(attack.answer(view), attack.answer(again))")
        if found is not None:
            return found
    return None


def own_randomness(case: Situation) -> Finding | None:
    """Whether the global generators play a part, or are used at all."""
    found = []
    for seed in (1, 2):
        with seeded(seed) as moved:
            found.append(_ask(case, case.view()))
            used = moved()
    want = "for seed in (1, 2):\n    torch.manual_seed(seed)\n    print(attack.answer(view))"
    differs = _unlike(found[1], found[0], "after the global generators were seeded anew", want)
    if differs is not None:
        return differs
    return Finding(f"the global generator of {used} has moved") if used else None


class _Overheard:
    """The assumed rule, with an ear to every question."""

    def __init__(self, case: Situation) -> None:
        self._rule = case.view().assumed
        self.questions: list[Question] = []

    def __call__(self, updates: Updates, f: int) -> tuple[Vector, Weights]:
        self.questions.append((updates.clone(), f))
        return self._rule(updates, f)


def partial(case: Situation) -> Finding | None:
    """Whether the answer, or a question to the assumed rule, depends on benign rows that must stay hidden.

    In the simulator they are hidden. Here an attack is also asked with rows in their place, which it must not look at;
    it may refuse such a view.
    """
    more = torch.cat([case.benign, 3 * case.benign + 1])
    answers: list[Reply] = []
    heard: list[list[Question]] = []
    excuse: Refused | Crashed | None = None
    for benign in (None, case.benign, 1 - case.benign, more):
        ear = _Overheard(case)
        try:
            shown = None if benign is None else benign.clone()
            answers.append(answer(case, case.view(benign=shown, assumed=ear)))
        except (Refused, Crashed) as error:
            excuse = error if benign is None else excuse
            continue
        heard.append(ear.questions)
    if excuse is None:
        return _differ(answers, heard)
    if answers:
        return Finding(f"{excuse}, when the benign updates are hidden as they must be")
    raise excuse


def _differ(answers: list[Reply], heard: list[list[Question]]) -> Finding | None:
    for found, asked in zip(answers[1:], heard[1:], strict=True):
        want = "print(attack.answer(view), attack.answer(replace(again, benign=benign)), sep='\\n')"
        differs = _unlike(found, answers[0], "for benign updates where none must be seen", want)
        if differs is not None:
            return differs
        if not _same_questions(asked, heard[0]):
            return Finding("other questions to the assumed rule for benign updates where none must be seen")
    return None


def _same_questions(a: list[Question], b: list[Question]) -> bool:
    return len(a) == len(b) and all(f == g and _same(x, y) for (x, f), (y, g) in zip(a, b, strict=True))


def order(case: Situation) -> Finding | None:
    """Whether the order of the benign rows plays a part."""
    forth, back = first(case).rows, answer(case, case.view(benign=case.benign.flip(0))).rows
    scale = float(torch.cat([forth, case.benign]).abs().max())
    if forth.shape == back.shape and torch.allclose(forth, back, rtol=1e-4, atol=1e-5 * scale):
        return None
    want = "print(attack.answer(view).rows, attack.answer(replace(again, benign=benign.flip(0))).rows, sep='\\n')"
    return Finding(back, forth, how="for the benign updates in reverse order", want=want)


def alone(case: Situation) -> Finding | None:
    """Whether there is a finite answer if all clients are compromised."""
    try:
        crafted = answer(case, case.view(benign=case.benign[:0])).rows
    except (Refused, Crashed) as error:
        return Finding(f"{error}, when all clients are compromised")
    return None if torch.isfinite(crafted).all() else Finding(crafted, how="when all clients are compromised")


_SAID = "print(attack.answer(view)[1:3])"
_REMEMBERED = "print(attack.answer(view).state)"


def _unlike(found: Reply, expected: Reply, how: str, want: str) -> Finding | None:
    """How one answer differs from another, in any of its parts; None if it does not."""
    if not _same(found.rows, expected.rows):
        return Finding(found.rows, expected.rows, how=how, want=want)
    for name in ("examples", "lateness"):
        now, then = getattr(found, name), getattr(expected, name)
        if now != then:
            return Finding(f"`{name}` {list(now)} after {list(then)}", how=how, want=want)
    if _plain(found.state) != _plain(expected.state):
        return Finding(f"another state {how}", want=want)
    return None


def _plain(state: Any) -> Any:
    """A state in a form that compares; an unlike one where no checkpoint can hold it, which is told elsewhere."""
    tensors: dict[str, Tensor] = {}
    try:
        form = pack(state, tensors)
    except TypeError:
        return None
    return form, [(tensor.shape, tensor.tolist()) for tensor in tensors.values()]


def _poison(shard: Shard, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(shard.seed)
    try:
        with contained():
            poisoned_x, poisoned_y = shard.attack.poison(x, y, shard.classes, generator)
    except EndsPython:
        raise
    except FedpropError as error:
        raise Refused(in_words(error)) from error
    except Exception as error:
        # An attack on images need not know what to do with feature vectors, nor the other way round.
        raise Refused(f"inputs of shape {list(x.shape)} are refused ({in_words(error)})") from error
    return poisoned_x, poisoned_y


def stays_data(shard: Shard) -> Finding | None:
    """Whether poisoned data have as many examples as before, of the same form and of existing classes."""
    x, y = _poison(shard, *shard.data)
    before_x, before_y = shard.data
    if shard.attack.resizes:
        before_x, before_y = before_x[: len(x)], before_y[: len(y)]
    if (x.shape, x.dtype, y.shape, y.dtype) != (before_x.shape, before_x.dtype, before_y.shape, before_y.dtype):
        owed = f"instead of {list(before_x.shape)}, {before_x.dtype}, and {list(before_y.shape)}, {before_y.dtype}"
        return Finding(f"inputs {list(x.shape)}, {x.dtype}, and labels {list(y.shape)}, {y.dtype}", how=owed)
    if not torch.isfinite(x).all():
        return Finding(x, how="as inputs")
    if bool(((y < 0) | (y >= shard.classes)).any()):
        return Finding(y, how=f"as labels, with {shard.classes} classes")
    return None


def data_untouched(shard: Shard) -> Finding | None:
    """Whether a client's own data are left as they were."""
    x, y = shard.data
    _poison(shard, x, y)
    for now, then, name in zip((x, y), shard.data, ("inputs", "labels"), strict=True):
        if not torch.equal(now, then):
            return Finding(now, then, how=f"in the client's {name} afterwards")
    return None


def poison_repeatable(shard: Shard) -> Finding | None:
    """Whether equal data and seeds are poisoned equally, whatever the global generators do."""
    found = []
    for seed in (1, 2):
        with seeded(seed) as moved:
            found.append(_poison(shard, *shard.data))
            used = moved()
    for first, again, name in zip(*found, ("inputs", "labels"), strict=True):
        if not _same(first, again):
            return Finding(again, first, how=f"as {name}, when asked again")
    return Finding(f"the global generator of {used} has moved") if used else None


def _same(a: Tensor, b: Tensor) -> bool:
    """To the bit, NaN being equal to itself."""
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
