"""What every rule with memory owes: memory belongs to clients, and is nowhere but in the state.

The state goes in and out of `Aggregator.aggregate`. It is keyed by client, since a row's position changes from round to
round (FoolsGold, Fung et al., RAID 2020, keeps a history for each client; memory by position is a known mistake). The
state handed in is a value, as in optax: left as it was, equal states have equal futures, and one that was saved by
`fedprop.simulation.packing` goes on like one that was not.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import safetensors.torch
import torch
from torch import Tensor

from fedprop.aggregators import Aggregation, Aggregator, Rooted
from fedprop.errors import WrongAnswer
from fedprop.failures import in_words, shortened
from fedprop.properties import Finding
from fedprop.simulation.packing import pack, unpack
from fedprop.verify.hunting.claim import Claim, Crashed, Few, contained
from fedprop.verify.pages.findings import Counterexample, Status
from fedprop.verify.pages.render import plain
from fedprop.verify.rules.stories import (
    Story,
    large_stories,
    nudged,
    play,
    renamed,
    rows_of,
    same_state,
    step,
    stories,
)

SOURCE = "fedprop.aggregators.Aggregator"
FOOLSGOLD = "Fung, Yoon, Beschastnikh, RAID 2020, Algorithm 1 (a history for each client)"

CLOSE = 1e-9
"""How far two answers may differ, relative to the largest number in them and in the rows."""

NUDGE, NUDGES, JUMP = 1e-7, 16, 1e3
"""How far rows are moved to see whether equal scores decide, how often, and how much farther an answer then jumps."""

STAND_IN = "from fedprop.aggregators.rooted import told_by\nfrom fedprop.verify.rules.stories import knowledge\n"
TOLD = "\n    cohort = cohort.changed(**told_by(knowledge(cohort.updates)))"
"""What a counterexample adds for a rule that asks: the server that stands in for one."""

Find: TypeAlias = Callable[[Aggregator, Story], Finding | None]


def has_memory(rule: Aggregator) -> bool:
    """Whether a rule remembers anything: it begins with a state, or an aggregation leaves one."""
    if rule.init() is not None:
        return True
    rows = torch.randn(max(rule.min_rows, 3), 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    try:
        with contained():
            return rule.aggregate(rows).state is not None
    except Exception:
        # Whatever is wrong with the rule, the claims about rules without memory will tell.
        return False


def memory_claims(rule: Aggregator, label: str, settings: Mapping[str, Any]) -> list[Claim[Any]]:
    """Every claim to try about the memory of a rule, in addition to those about its answers."""
    whole, rule = rule, rule.rule if isinstance(rule, Rooted) else rule
    least = max(rule.min_rows, 2 * getattr(rule, "f", 0) + 1, 2)
    plain, wild = ((stories(least, wild=wild), Few(large_stories(least))) for wild in (False, True))

    def claim(name: str, statement: str, status: Status, find: Find, inputs: Any, source: str = SOURCE) -> Claim[Story]:
        def show(story: Story, finding: Finding) -> Counterexample:
            return _show(whole, label, settings, story, finding)

        def look(story: Story) -> Finding | None:
            return find(copy.deepcopy(rule), story)

        skip = "" if name != "weights over rounds" or rule.contract().linear else "the rule does not claim to be linear"
        return Claim(name, statement, source, status, inputs, look, show, skip)

    by_client = "Rows in another order, each with its client, have the same answers, in this round and in later ones."
    return [
        claim("rounds answered", "Whoever comes and goes, there is an answer, and no error.", "safety", _answers, wild),
        claim(
            "rounds finite", "Every round has a finite value and one finite weight per row.", "safety", _finite, wild
        ),
        claim("memory by client", by_client, "claimed", _by_client, plain, source=FOOLSGOLD),
        claim("names", "Clients under other names have the same answers.", "claimed", _names, plain),
        claim(
            "state untouched", "The state handed in, and the rows, are left as they were.", "safety", _untouched, plain
        ),
        claim("nothing hidden", "Equal rows and states have equal answers, to the bit.", "safety", _hidden, plain),
        claim("state survives saving", "A run goes on the same from a saved state.", "claimed", _saved, plain),
        claim("weights over rounds", "The weights reproduce the value in every round.", "claimed", _weights, plain),
        claim(
            "only participants",
            "Memory by client holds clients that took part, and no others.",
            "claimed",
            _only,
            plain,
        ),
    ]


def _answers(rule: Aggregator, story: Story) -> Finding | None:
    try:
        play(rule, story)
    except Crashed as error:
        return Finding(str(error))
    return None


def _finite(rule: Aggregator, story: Story) -> Finding | None:
    for dtype in (torch.float64, torch.float32):
        state = rule.init()
        for number, turn in enumerate(story):
            cohort = turn.cohort(dtype)
            try:
                value, weights, state = step(rule, cohort, state)
            except Crashed as error:
                if isinstance(error.__cause__, WrongAnswer):
                    return Finding(str(error), how=f"for rows {list(cohort.updates.shape)} in round {number}")
                raise
            if not (torch.isfinite(value).all() and torch.isfinite(weights).all()):
                found = f"a value of {value.tolist()} and weights {weights.tolist()}"
                return Finding(found, how=f"in round {number}, in {dtype}")
    return None


def _by_client(rule: Aggregator, story: Story) -> Finding | None:
    """Every second round is turned round, the first one too: were all, memory by position would move with the rows."""
    orders = [list(range(len(turn.clients)))[:: 1 if number % 2 else -1] for number, turn in enumerate(story)]
    told = tuple(turn.reordered(order) for turn, order in zip(story, orders, strict=True))
    return _compare(rule, story, told, orders, "with the rows of every second round in reverse order")


def _names(rule: Aggregator, story: Story) -> Finding | None:
    clients = sorted({client for turn in story for client in turn.clients})
    names = {client: 500 + number for number, client in enumerate(reversed(clients))}
    orders = [list(range(len(turn.clients))) for turn in story]
    return _compare(rule, story, renamed(story, names), orders, f"with the ids {names} instead")


def _compare(rule: Aggregator, story: Story, told: Story, orders: list[list[int]], how: str) -> Finding | None:
    """What differs between a story and another way to tell it, in which row i is the story's row orders[i]."""
    first, second = play(rule, story), play(rule, told)
    scale = float(rows_of(story).abs().max()) or 1.0
    for number, (a, b, order) in enumerate(zip(first, second, orders, strict=True)):
        for part, x, y in (("value", a.value, b.value), ("weights", a.weights[order], b.weights)):
            far = 1e-300 + CLOSE * max(scale if part == "value" else 1.0, float(x.abs().max()))
            if x.shape == y.shape and float((x - y).abs().max()) <= far:
                continue
            return None if _ambiguous(rule, story, first) else Finding(y, x, how=f"as {part} of round {number}, {how}")
    return None


def _ambiguous(rule: Aggregator, story: Story, answers: list[Aggregation]) -> bool:
    """Whether tiny changes of the rows make an answer jump: where equal scores decide, the order of rows may, too."""
    size = NUDGE * (float(rows_of(story).abs().max()) or 1.0)
    for seed in range(NUDGES):
        for a, b in zip(answers, play(rule, nudged(story, seed, size)), strict=True):
            moved = float((a.value - b.value).abs().max()) / size
            if max(moved, float((a.weights - b.weights).abs().max()) / NUDGE) > JUMP:
                return True
    return False


def _untouched(rule: Aggregator, story: Story) -> Finding | None:
    states, kept = [rule.init()], [copy.deepcopy(rule.init())]
    for number, turn in enumerate(story):
        rows = turn.updates()
        cohort = turn.cohort().with_updates(rows)
        answer = step(rule, cohort, states[-1])
        if not torch.equal(rows, turn.updates()):
            return Finding(rows, turn.updates(), how=f"as the rows of round {number} afterwards")
        states.append(answer.state)
        kept.append(copy.deepcopy(answer.state))
        for before, (now, then) in enumerate(zip(states, kept, strict=True)):
            if not same_state(now, then):
                return Finding(
                    f"the state before round {before} has changed in round {number}: {now}", how=f"was {then}"
                )
    return None


def _hidden(rule: Aggregator, story: Story) -> Finding | None:
    """Once alone with a copy of the rule, then twice on one rule, with another story told to it in between."""
    alone = play(copy.deepcopy(rule), story)
    other = nudged(story, 1, 1.0)
    for how in ("from the rule itself", "once more"):
        state, aside = rule.init(), rule.init()
        for number, (turn, between) in enumerate(zip(story, other, strict=True)):
            answer = step(rule, turn.cohort(), copy.deepcopy(state))
            state = copy.deepcopy(answer.state)
            aside = copy.deepcopy(step(rule, between.cohort(), aside).state)
            wanted = alone[number]
            if not (same_state(answer.value, wanted.value) and same_state(answer.weights, wanted.weights)):
                told = f"in round {number}, {how}, with other rounds in between"
                return Finding(answer.value, wanted.value, how=f"{told}; weights {answer.weights.tolist()}")
            if not same_state(state, wanted.state):
                return Finding(f"the state after round {number} is {state}", how=f"where it was {wanted.state}")
    return None


def _saved(rule: Aggregator, story: Story) -> Finding | None:
    state = rule.init()
    for number, (turn, wanted) in enumerate(zip(story, play(rule, story), strict=True)):
        try:
            with contained():
                answer = rule.aggregate(turn.cohort(), restored(state))
        except Exception as error:
            return Finding(in_words(error), how=f"when round {number} goes on from a saved state")
        if not same_state(answer.value, wanted.value) or not same_state(answer.weights, wanted.weights):
            return Finding(answer.value, wanted.value, how=f"in round {number}, from a saved state")
        state = wanted.state
    return None


def restored(state: Any) -> Any:
    """A state after it has been on disk: plain data as JSON, tensors in safetensors.

    Raises
    ------
    TypeError
        If it holds anything else.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(pack(state, tensors))
    blob = safetensors.torch.save({name: tensor.contiguous().clone() for name, tensor in tensors.items()})
    return unpack(json.loads(text), safetensors.torch.load(blob))


def _weights(rule: Aggregator, story: Story) -> Finding | None:
    for number, (turn, answer) in enumerate(zip(story, play(rule, story), strict=True)):
        rows = turn.updates()
        expected = answer.weights @ rows
        if float((answer.value - expected).abs().max()) > CLOSE * (1 + float(rows.abs().max())):
            return Finding(answer.value, expected, how=f"from weights {answer.weights.tolist()} in round {number}")
    return None


def _only(rule: Aggregator, story: Story) -> Finding | None:
    met: set[int] = set()
    for number, (turn, answer) in enumerate(zip(story, play(rule, story), strict=True)):
        met |= set(turn.clients)
        for keys in _tables(answer.state):
            if keys & met and not keys <= met:
                return Finding(f"memory of {sorted(keys - met)}, who never took part, after round {number}")
    return None


def _tables(state: Any) -> Iterator[set[int]]:
    """The keys of every mapping in a state that has numbers for keys."""
    if isinstance(state, Mapping):
        if state and all(isinstance(key, int) for key in state):
            yield set(state)
        state = list(state.values())
    if isinstance(state, list | tuple):
        for part in state:
            yield from _tables(part)


def _show(rule: Aggregator, label: str, settings: Mapping[str, Any], story: Story, finding: Finding) -> Counterexample:
    rooted, rule = isinstance(rule, Rooted), rule.rule if isinstance(rule, Rooted) else rule
    extra = f", f={rule.f}" if hasattr(rule, "f") else ""
    extra += f", settings={dict(settings)}" if settings else ""
    rounds = ",\n".join(f"    ({turn.clients}, {[list(row) for row in turn.rows]}, {turn.examples})" for turn in story)
    code = f"""import torch
from fedprop.aggregators import Cohort
from fedprop.verify import load_rule
{STAND_IN if rooted else ""}
rule = load_rule({label!r}{extra}){".rule" if rooted else ""}
state = rule.init()
for clients, rows, examples in [
{rounds},
]:
    cohort = Cohort(torch.tensor(rows, dtype=torch.float64), clients, examples){TOLD if rooted else ""}
    value, weights, state = rule.aggregate(cohort, state)
    print(clients, value, weights, state)
# {finding}"""
    rounds_of = shortened(", ".join(f"{len(turn.clients)} of clients {list(turn.clients)}" for turn in story))
    return Counterexample(
        title=f"rows round by round: {rounds_of}",
        rows=tuple(row for turn in story for row in turn.rows),
        f=getattr(rule, "f", None),
        found=str(finding),
        expected=plain(finding.expected),
        actual=plain(finding.actual),
        code=code,
    )
