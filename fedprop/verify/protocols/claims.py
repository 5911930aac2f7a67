"""What every protocol owes: answers in form, whatever the order of arrival, and a memory that a checkpoint holds."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import torch
from torch import nn

from fedprop.defenses.protocol import RoundProtocol
from fedprop.defenses.said import check_defense
from fedprop.errors import InvalidConfig, RunFailed, WrongAnswer
from fedprop.failures import in_words
from fedprop.params import ParameterLayout
from fedprop.properties import Finding
from fedprop.training.steered import astray
from fedprop.verify.hunting.claim import Claim
from fedprop.verify.pages.findings import Counterexample, Status
from fedprop.verify.protocols.playing import Play, Played, Story, stories
from fedprop.verify.protocols.watching import Watching
from fedprop.verify.targets.making import made_with, refuse_settings
from fedprop.verify.targets.script import obtain

SOURCE = "fedprop.defenses.RoundProtocol"

CLOSE = 1e-3
"""How far models may be apart that follow from other orders of the same rows, relative to their largest entry."""


_IMPORTED = "from fedprop.verify.protocols.playing import Play, Story\n"
_PLAY = _IMPORTED + "print(Play({made}, {story})())"
_PLAYED = {
    "repeatable": _IMPORTED + "protocol, story = {made}, {story}\n"
    "for told in (story, story.another(), story):\n    print(Play(protocol, told)())",
    "untouched": _IMPORTED + "from fedprop.verify.protocols.watching import Watching\n"
    "print(Play(Watching({made}), {story})())",
}
"""Python that plays a story again, by the claim that it breaks if that takes more than to play it once."""

_STRANGERS = count(1)
"""Numbers for clients that no protocol has met yet."""


def is_protocol(obj: Any) -> bool:
    """Whether `obj` is a protocol or a class of them."""
    return isinstance(obj, RoundProtocol) or (isinstance(obj, type) and issubclass(obj, RoundProtocol))


def protocol_claims(obj: Any, label: str, settings: Mapping[str, Any]) -> list[Claim[Any]]:
    """Every claim to try about a protocol.

    Raises
    ------
    InvalidConfig
        If the class cannot be made with `settings`, or says of itself what cannot be.
    """
    if isinstance(obj, RoundProtocol):
        refuse_settings(settings, label)
    protocol: RoundProtocol = obj if isinstance(obj, RoundProtocol) else made_with(obj, label, settings)
    check_defense(protocol)

    def claim(name: str, statement: str, status: Status, find: Callable[[RoundProtocol, Story], str]) -> Claim[Story]:
        def found(story: Story) -> Finding | None:
            wrong = _found(find, protocol, story)
            return Finding(wrong) if wrong else None

        def show(story: Story, finding: Finding) -> Counterexample:
            imported, made = obtain(obj, label, settings)
            code = f"{imported}\n{_PLAYED.get(name, _PLAY).format(made=made, story=repr(story))}\n# {finding}"
            return Counterexample(title="a story", found=str(finding), code=code)

        return Claim(name, statement, SOURCE, status, (stories(),), found, show)

    return [
        claim(
            "steps answered",
            "Each step is answered in form: clients that are available, declared reports that the wire form holds, a "
            "verdict on each client, finite models of the right length.",
            "safety",
            lambda protocol, story: _nothing(Play(protocol, story)()),
        ),
        claim(
            "repeatable",
            "The same rounds are answered the same, whatever was played in between: all that is remembered is memory.",
            "safety",
            _repeats,
        ),
        claim(
            "untouched",
            "No step changes what it is handed: updates, models and memory stay as they are, bit for bit.",
            "safety",
            _leaves_alone,
        ),
        claim(
            "plain memory",
            "A checkpoint holds what is remembered, and the protocol goes on from what it gives back.",
            "safety",
            lambda protocol, story: _apart(Play(protocol, story)(), Play(protocol, story, saved=True)(), 0.0),
        ),
        claim(
            "order of arrival",
            "The order in which updates come plays no part, also in what is remembered of their clients.",
            "claimed",
            lambda protocol, story: _apart(Play(protocol, story)(), Play(protocol, story, shuffled=True)(), CLOSE),
        ),
        claim(
            "client by client",
            "What clients do within local training depends on nobody who trains along.",
            "tried",
            lambda protocol, story: _steers(protocol),
        ),
    ]


def _found(find: Callable[[RoundProtocol, Story], str], protocol: RoundProtocol, story: Story) -> str:
    try:
        return find(protocol, story)
    except (RunFailed, WrongAnswer, InvalidConfig, TypeError) as error:
        return in_words(error)


def _nothing(played: list[Played]) -> str:
    return ""


def _repeats(protocol: RoundProtocol, story: Story) -> str:
    """Before and after another story; of clients whom the protocol never met: who is known outside its memory shows."""
    fresh = story.of_strangers(next(_STRANGERS))
    first = Play(protocol, fresh)()
    Play(protocol, fresh.another())()
    return _apart(first, Play(protocol, fresh)(), 0.0)


def _leaves_alone(protocol: RoundProtocol, story: Story) -> str:
    watched: Any = Watching(protocol)
    return _nothing(Play(watched, story)())


def _steers(protocol: RoundProtocol) -> str:
    return astray(protocol.train(), ParameterLayout.of(nn.Linear(3, 2)), torch.device("cpu"))


def _apart(one: list[Played], other: list[Played], tolerance: float) -> str:
    """How two plays differ; empty if they do not."""
    for number, (first, second) in enumerate(zip(one, other, strict=True)):
        for name in ("invited", "accepted"):
            if getattr(first, name) != getattr(second, name):
                return f"{name} differ in round {number}: {getattr(first, name)}, then {getattr(second, name)}"
        rulings = [
            None if ruling is None else (ruling.case, dict(ruling.verdicts), ruling.rollback, set(ruling.banned))
            for ruling in (first.ruling, second.ruling)
        ]
        if rulings[0] != rulings[1]:
            return f"rulings differ in round {number}: {rulings[0]}, then {rulings[1]}"
        gap, most = float((first.model - second.model).abs().max()), float(first.model.abs().max())
        if gap > tolerance * max(most, 1.0):
            return f"models are {gap:.2g} apart after round {number}"
    return ""
