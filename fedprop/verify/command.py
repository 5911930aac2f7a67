"""`verify` in one call: find the target, try its claims, report."""

import math
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from time import monotonic
from typing import Any, NamedTuple

from hypothesis.database import ExampleDatabase

from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES, Aggregator, completed, parse_defense
from fedprop.aggregators.said import Misstated
from fedprop.cores import one_thread
from fedprop.errors import InvalidConfig
from fedprop.failures import in_words
from fedprop.registry import load_target
from fedprop.settings import Frozen, explain, meant, sound
from fedprop.verify.attacks.claims import attack_claims, is_attack
from fedprop.verify.codecs.claims import codec_claims, is_codec
from fedprop.verify.hunting.claim import Claim, EndsPython, TooSlow, contained
from fedprop.verify.hunting.hunt import Effort, hunt_all
from fedprop.verify.hunting.patience import LOADING, time_limit
from fedprop.verify.hunting.surroundings import kept, leaves_settings
from fedprop.verify.hunting.trials import NO_ANSWER
from fedprop.verify.options import check_spec
from fedprop.verify.pages.again import Spec, again, spelled
from fedprop.verify.pages.findings import Limit, Outcome, Peak, Report
from fedprop.verify.protocols.claims import is_protocol, protocol_claims
from fedprop.verify.rounds.claims import defense_claims, is_defense
from fedprop.verify.rules.claims import RulePlan
from fedprop.verify.rules.inputs import Reference
from fedprop.verify.rules.memory import has_memory, memory_claims
from fedprop.verify.targets.script import label_of
from fedprop.verify.targets.target import NO_SETTINGS, Target, target_of

PROFILES: Mapping[str, int] = {"fast": 200, "thorough": 2000}
"""Inputs for each claim, from each of its strategies."""

SEARCHING = 0.5
"""The share of a time limit that is kept for the search, where it is asked for."""

DEFAULT_F = range(3)

Say = Callable[[Outcome], None]

FAMILIES: Mapping[str, tuple[Callable[[Any], bool], Callable[..., list[Claim[Any]]]]] = {
    "attack": (is_attack, attack_claims),
    "protocol": (is_protocol, protocol_claims),
    "defense": (is_defense, defense_claims),
    "codec": (is_codec, codec_claims),
}
"""What a target may be beside a rule."""


@dataclass(frozen=True)
class _Wish:
    """What the user asks of a rule."""

    fs: Sequence[int] = DEFAULT_F
    n: range | None = None
    as_: Spec | None = None
    claims: Sequence[str] = ()


@dataclass(frozen=True)
class _Plan:
    """What there is to do for a target of some family."""

    family: str
    claims: Sequence[Claim[Any]]
    rules: RulePlan | None = None


class _Hunted(NamedTuple):
    """What was found; see `Report`."""

    outcomes: tuple[Outcome, ...]
    limits: tuple[Limit, ...] = ()
    peaks: tuple[Peak, ...] = ()


def verify(
    target: Any,
    *,
    f: int | Sequence[int] | None = None,
    n: range | None = None,
    as_: Spec | None = None,
    claims: Sequence[str] = (),
    settings: Mapping[str, Any] = NO_SETTINGS,
    examples: int | None = None,
    profile: str = "fast",
    seed: int = 0,
    seconds: float | None = None,
    search: bool = False,
    curious: bool = True,
    shrink: bool = True,
    database: ExampleDatabase | None = None,
    on_outcome: Say = lambda _: None,
) -> Report:
    """Attack every claim of `target`, and report which hold and the smallest input that breaks each other one.

    Parameters
    ----------
    target : a rule, an attack, a defense or a codec, or the text that names one, "file.py:name" or "module:name". A
        rule is an `Aggregator` class or instance, a callable from rows [n, d] to [d] in torch or NumPy that may take
        `f` and `examples`, a factory or class that takes `f`, or a Flower strategy.
    f : the numbers of Byzantine rows to try; 0, 1 and 2 if not given.
    n : the numbers of rows; what the rule needs and up to four more if not given.
    as_ : the built-in rule that the target should equal: a kind, a mapping with a kind, or a list of them. Fields left
        open are taken from `settings`, where the target has the same.
    claims : names of claims to hold a bare callable to, beside the safety ones.
    settings : fields for a class, arguments for a factory or a function.
    examples : inputs for each claim, instead of the profile's.
    profile : "fast" or "thorough".
    seed : what inputs are drawn from; the same seed tries the same inputs.
    seconds : real time for everything: trying, shrinking and searching; no limit if not given. What is left untried is
        told, and a claim that was tried on too little is undecided.
    search : whether to climb towards the worst robustness coefficient as well.
    curious : whether to try what nobody claims as well, which decides nothing.
    shrink : whether to look for the smallest counterexample, or keep the first.
    database : a Hypothesis database of inputs that broke a claim before.
    on_outcome : called with each outcome as it is known.

    Raises
    ------
    InvalidConfig
        If the target cannot be found or made, or an option does not fit it.
    """
    label = target if isinstance(target, str) else label_of(target)
    plan = _planned(target, label, settings, _Wish(_fs(f), _checked(n), as_, claims))
    effort = _effort(examples, profile, seconds, Effort(0, seed, database, shrink))
    if search and plan.rules is None:
        raise InvalidConfig(f"--search is for rules; found {label}, which is a {plan.family}")
    wanted = [claim for claim in plan.claims if curious or claim.status != "tried"]
    # Rows are small: threads that wait for each other would take several times as long, above all on a busy machine.
    with kept(), one_thread():
        hunted = _hunted(plan.rules, wanted, effort, label, search=search, say=on_outcome)
    return Report(
        target=label,
        family=plan.family,
        against=None if as_ is None else spelled(as_),
        seed=seed,
        examples=effort.examples,
        command=again(target, label, f=f, n=n, as_=as_, claims=claims, settings=settings, effort=effort, search=search),
        versions=_versions(),
        notes=() if plan.rules is None else plan.rules.notes(),
        outcomes=hunted.outcomes,
        limits=hunted.limits,
        search=hunted.peaks,
    )


def _hunted(
    rules: RulePlan | None, claims: Sequence[Claim[Any]], effort: Effort, label: str, *, search: bool, say: Say
) -> _Hunted:
    """What came of the claims, and for a rule that answers what it does near its limits and what a search found."""
    end = monotonic() + effort.seconds
    trying = replace(effort, seconds=effort.seconds * (1 - SEARCHING)) if search else effort
    outcomes = hunt_all(claims, trying, target=label, say=say)
    if rules is None or any(NO_ANSWER in outcome.why for outcome in outcomes):
        return _Hunted(outcomes)
    return _Hunted(outcomes, rules.limits(end), rules.search(effort.seed, end) if search else ())


def claims_of(
    target: Any,
    *,
    f: int | Sequence[int] | None = None,
    n: range | None = None,
    as_: Spec | None = None,
    claims: Sequence[str] = (),
    settings: Mapping[str, Any] = NO_SETTINGS,
) -> Sequence[Claim[Any]]:
    """What `verify` would try on a target, given the same. Raises as it does."""
    label = target if isinstance(target, str) else label_of(target)
    return _planned(target, label, settings, _Wish(_fs(f), _checked(n), as_, claims)).claims


def assert_contract(target: Any, **options: Any) -> None:
    """Raise AssertionError, with the counterexamples, if `target` breaks a claim or leaves one undecided.

    `options` are those of `verify`.

    >>> import fedprop
    >>> assert_contract(fedprop.Median(), examples=5)
    """
    from fedprop.verify.pages.render import as_text

    report = verify(target, **options)
    if report.fails:
        raise AssertionError(as_text(report))


def _planned(target: Any, label: str, settings: Mapping[str, Any], wish: "_Wish") -> _Plan:
    """What there is to do for a target, once it is loaded and made, which is code of others already."""
    try:
        with time_limit(LOADING), contained():
            found = load_target(target) if isinstance(target, str) else target
            found = sound(Frozen, found, "target", "") if isinstance(found, Frozen) else found
            with kept():
                return _plan(found, label, settings, wish)
    except (TooSlow, EndsPython) as error:
        raise InvalidConfig(
            f"{label} must be there to be tried; while it was loaded or made, found {in_words(error)}"
        ) from None


def _plan(found: Any, label: str, settings: Mapping[str, Any], wish: "_Wish") -> _Plan:
    for family, (is_one, claims_of_one) in FAMILIES.items():
        if is_one(found):
            if wish.as_ is not None or wish.claims:
                raise InvalidConfig(f"--as and --claim are for rules; found {label}, which is a {family}")
            return _Plan(family, _watched(claims_of_one(found, label, settings)))
    reference = None if wish.as_ is None else _reference(wish.as_, settings)
    target = target_of(found, label, settings)
    _refuse_misstated(target, wish.fs)
    rules = RulePlan(target, fs=wish.fs, n=wish.n, reference=reference, named=wish.claims)
    if isinstance(rules.example, Aggregator) and has_memory(rules.example):
        claims = [*_watched(rules.claims()), *memory_claims(rules.example, label, settings)]
        return _Plan("rule with memory", claims, rules)
    return _Plan("rule", _watched(rules.claims()), rules)


def _refuse_misstated(target: Target, fs: Sequence[int]) -> None:
    """Refuse a rule that says of itself what cannot be, if for one f alone; that others are no settings is no matter.

    Raises
    ------
    InvalidConfig
        With the sentence about it.
    """
    for f in fs:
        try:
            target.make(f)
        except Misstated:
            raise
        except InvalidConfig:
            continue


def _watched(claims: Sequence[Claim[Any]]) -> list[Claim[Any]]:
    """The claims of a family, of which the first is that there are answers, and that those leave settings alone."""
    return [claims[0], leaves_settings(claims[0]), *claims[1:]]


def _effort(examples: int | None, profile: str, seconds: float | None, effort: Effort) -> Effort:
    if profile not in PROFILES:
        raise InvalidConfig(
            f"`profile` must be one of {', '.join(PROFILES)}; found {profile!r}{meant(profile, PROFILES)}"
        )
    if examples is not None and examples < 1:
        raise InvalidConfig(f"`examples` must be at least 1; found {examples}")
    if seconds is not None and not seconds > 0:
        raise InvalidConfig(f"`seconds` must be positive; found {seconds}")
    limit = math.inf if seconds is None else seconds
    return replace(effort, examples=examples or PROFILES[profile], seconds=limit)


def _fs(f: int | Sequence[int] | None) -> Sequence[int]:
    fs = DEFAULT_F if f is None else [f] if isinstance(f, int) else sorted(f)
    if not fs or fs[0] < 0:
        raise InvalidConfig(f"`f` must be a number >= 0 or a range of them; found {f}")
    return fs


def _checked(n: range | None) -> range | None:
    if n is not None and (len(n) == 0 or n.start < 1):
        raise InvalidConfig(f"`n` must be a range of numbers >= 1; found {n.start}..{n.stop - 1}")
    return n


def _reference(as_: Spec, settings: Mapping[str, Any]) -> Reference:
    """The built-in rule that a kind or a mapping spells, for each f; others than rules are judged beside a mean.

    Of what is left open, f comes from the domain and the rest from the target's settings of the same name.
    """
    check_spec("--as", as_)
    listed: Sequence[str | Mapping[str, Any]] = [as_] if isinstance(as_, str | Mapping) else as_
    parts = [{"kind": part} if isinstance(part, str) else dict(part) for part in listed]

    def at(f: int) -> Aggregator:
        filled = [_filled(part, {"f": f, **settings}) for part in parts]
        alone = filled[0] if len(filled) == 1 else None
        parse = next((part.parse for part in (STAGES, POSTPROCESSORS) if part.offers(alone)), parse_defense)
        return completed(_parsed(parse, filled if alone is None else alone, as_))

    at(0)
    return at


def _filled(part: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    cls = {**AGGREGATORS.kinds, **STAGES.kinds, **POSTPROCESSORS.kinds}.get(str(part.get("kind")))
    fields = set() if cls is None else cls.model_fields.keys() - {"kind"}
    return {**{name: value for name, value in known.items() if name in fields}, **part}


def _parsed(parse: Callable[[Any], Any], value: Any, as_: Spec) -> Any:
    from pydantic import ValidationError
    from pydantic_core import PydanticCustomError

    try:
        return parse(value)
    except ValidationError as error:
        told = "; ".join(explain(error, value))
    except PydanticCustomError as error:
        told = error.message()
    raise InvalidConfig(f"--as must spell a built-in rule, stage or postprocessor; found {spelled(as_)}: {told}")


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("fedprop", "torch", "hypothesis", "numpy")}
    return {"python": platform.python_version(), **packages}
