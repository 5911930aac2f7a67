"""A finished run in figures, for the terminal, the report and the tables of a sweep."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from fedprop.aggregators import Aggregator
from fedprop.aggregators.tolerance import parts_of, rule_of
from fedprop.defenses import RoundProtocol
from fedprop.experiments.experiment import Experiment
from fedprop.experiments.headline import warnings
from fedprop.experiments.measures import kinds_of_numbers
from fedprop.experiments.tally import Tally
from fedprop.failures import blamed
from fedprop.metrics import Number, OfData, Reading
from fedprop.params import ParameterLayout
from fedprop.registry import place_of
from fedprop.simulation.engine import Outcome
from fedprop.simulation.events import RoundRecord
from fedprop.simulation.setup import Setup

LONGEST = 40
"""A setting of a defense with more characters would hide the others in a line."""


def summarize(
    experiment: Experiment, setup: Setup, outcome: Outcome, accepted: int, refused: Mapping[str, int]
) -> dict[str, Any]:
    """The figures of a finished run, JSON-ready; `warnings` say how not to take them.

    Where every round failed, nothing says how good the model is, and `failure` says why.
    """
    tally = Tally(outcome.rounds, setup.numbers, setup.compromised)
    if outcome.rounds[-1].accuracy is None:
        tally.complete(_completed(outcome))
    failed = tally.failed == tally.rounds
    always = {
        "name": experiment.name,
        "seed": experiment.seed,
        "test_accuracy": None if failed else outcome.test_accuracy,
        "test_error": None if failed else outcome.test_error,
        "best_accuracy": None if tally.best is None else tally.best[1],
        "best_round": None if tally.best is None else tally.best[0],
        "rounds": tally.rounds,
        "ended_by": outcome.end.by,
        "ended": outcome.end.why,
        "failed_rounds": tally.failed,
        "weightless_rounds": tally.weightless,
        "numberless_from": tally.numberless,
        "sunken_variances": _sunken(setup, outcome),
        "virtual_seconds": outcome.virtual_seconds,
        "wall_seconds": outcome.wall_seconds,
        "accepted": accepted,
        "rejected": dict(refused),
        "clients_per_pass": outcome.tickets_per_pass,
        "engine": "" if outcome.engine is None else outcome.engine.name,
        "engine_reason": "" if outcome.engine is None else outcome.engine.reason,
        "trace_sha256": outcome.trace_sha256,
        "inference": tally.inference(),
        "decisions": tally.decisions(),
        "numbers": _numbers(setup, tally, failed=failed),
    }
    found = always | tally.failures() | _circumstances(experiment, setup, outcome, tally)
    found |= _privacy(experiment, setup, tally)
    return found | {"warnings": warnings(found)}


def _sunken(setup: Setup, outcome: Outcome) -> int:
    """How many running variances of the last model are below zero, so that it answers with NaN."""
    variances = ParameterLayout.of(setup.module).variances.to(outcome.parameters.device)
    return int((outcome.parameters[variances] < 0).sum())


def _circumstances(experiment: Experiment, setup: Setup, outcome: Outcome, tally: Tally) -> dict[str, Any]:
    """Who defended, who attacked, how much the defense bears, and what failed on the way."""
    attacks = [_attack(setup, outcome, tally, index) for index in range(len(setup.attacks))]
    later = f" from round {experiment.defense_from}" if experiment.defense_from else ""
    return {
        "defense": f"{spelled(experiment.defense)}{later}",
        "f": getattr(rule_of(experiment.defense), "f", None),
        "attacks": attacks,
        "clients": setup.clients,
        "partition": _spelled(experiment.partition),
        "compromised": len(setup.compromised),
        "cohort": setup.policy.fewest(setup.clients),
        "tolerated": setup.tolerated,
        "crowded": _crowded(setup, tally),
        "policy": setup.policy.kind,
        "failed_attacks": sum(attack["failed"] for attack in attacks),
        "probed_attackers": sorted(tally.probed & setup.compromised),
        "silent_probes": [probe.kind for probe in experiment.inference if probe.told_as not in tally.probes],
    }


def _crowded(setup: Setup, tally: Tally) -> dict[str, int]:
    """In how many rounds more updates stood for attacks than the rule tolerates, and how many did at most.

    Empty if there was no such round, and where a client sends one update at most in a round: then the number of clients
    decides.
    """
    if setup.tolerated is None or setup.policy.synchronous:
        return {}
    beyond = {count: rounds for count, rounds in tally.crowds.items() if count > setup.tolerated}
    return {"rounds": sum(beyond.values()), "most": max(beyond)} if beyond else {}


def _attack(setup: Setup, outcome: Outcome, tally: Tally, index: int) -> dict[str, Any]:
    """One attack: how many clients it held, how often it failed and how it did first, and why it had no effect.

    One that the defense ignores by nature has met its answer, and is no doubtful case of having none.
    """
    attack, held = setup.attacks[index]
    failed, failure = outcome.attack_failures.get(index, (0, ""))
    ignored = attack.only_claims and not (attack.lies and _asks(setup)) and _ignores_claims(setup)
    idle = "" if ignored else _idle(setup, tally, index) or ("" if failed else _honest(setup, outcome, index))
    told = {"failed": failed, "failure": failure, "idle": idle, "ignored": ignored}
    return {"kind": attack.kind, "compromised": len(held), **told}


def _idle(setup: Setup, tally: Tally, index: int) -> str:
    """Why an attack had no effect; empty if it had one."""
    attack, held = setup.attacks[index]
    if not (attack.deviates or attack.poisons or _asks(setup)):
        return "the defense asks no client what it holds of the global model"
    if not any(setup.attacking(index, number) for number in range(tally.rounds)):
        return "it was on in none of the rounds"
    if attack.times_answers:  # who keeps clients from answering has an effect without any update
        return ""
    if tally.heard and not held & tally.heard:
        return "no update of its clients was accepted"
    if tally.crowds and not tally.attacked[index]:
        return "no update was used that its clients sent in a task for which it was on"
    return ""


def _honest(setup: Setup, outcome: Outcome, index: int) -> str:
    """Why an attack had no effect that answered, and always as honest clients do; empty if it did anything else."""
    attack = setup.attacks[index][0]
    lies = attack.lies and _asks(setup)
    if attack.poisons or attack.speed != 1.0 or lies or outcome.attack_deviations.get(index, 1):
        return ""
    return "its clients answered as honest ones would"


def _asks(setup: Setup) -> bool:
    """Whether the defense asks clients for more than updates."""
    return setup.protocol is not None and bool(setup.protocol.reports)


def _ignores_claims(setup: Setup) -> bool:
    """Whether claimed numbers of examples change nothing, in all rounds, by what the defense says of itself.

    Either it ignores them, or each update stands alone: so many copies of it are as good as one.
    """
    if setup.has("screen", "aggregate"):  # a protocol does what it likes
        return False
    claims = setup.rule.contract()
    alone = setup.policy.intended(setup.clients) == 1 and claims.idempotent
    return claims.examples == "ignored" or (alone and claims.examples == "copies")


def spelled(defense: Aggregator | RoundProtocol) -> str:
    """A defense in a few words: kinds and settings, a chain with its stages.

    >>> from fedprop.aggregators import parse_defense
    >>> spelled(parse_defense([{"kind": "nearest_neighbour_mixing", "f": 2}, {"kind": "krum", "f": 2}]))
    'nearest_neighbour_mixing f=2 >> krum f=2'
    """
    return " >> ".join(map(_spelled, parts_of(defense)))


def _spelled(part: BaseModel) -> str:
    """The kind and whatever is set otherwise than by default; fields of a user's own rule may be anything."""
    fields = {name: (getattr(part, name), field) for name, field in type(part).model_fields.items() if name != "kind"}
    chosen = [
        f"{name}={value if len(str(value)) <= LONGEST else '...'}"
        for name, (value, field) in fields.items()
        if repr(value) != repr(field.get_default(call_default_factory=True))
    ]
    return " ".join([str(getattr(part, "kind", type(part).__name__)), *chosen])


def _completed(outcome: Outcome) -> RoundRecord:
    """The last round with a test of the model that it left; a run that a watcher ends has none of its own."""
    grades = outcome.grades
    return replace(outcome.rounds[-1], accuracy=grades.accuracy, loss=grades.loss, numbers=grades.numbers)


def _numbers(setup: Setup, tally: Tally, *, failed: bool) -> dict[str, Any]:
    """All numbers by name, and how they read. Where every round failed, none of them tells of the model."""
    found = tally.readings | _of_data(setup)
    shown = [number for number in setup.numbers if number.kind in found and not (failed and number.of_model)]
    return {number.kind: _told(number, found[number.kind]) for number in shown}


def _of_data(setup: Setup) -> dict[str, Reading]:
    """The numbers that tell how the data were dealt; none where there are no classes."""
    found = {}
    for number in setup.numbers:
        if isinstance(number, OfData) and setup.counts is not None:
            with blamed(f"metric {number.kind} failed in `of`"):
                found[number.kind] = number.of(setup.counts)
    return found


def _told(number: Number, reading: Reading) -> dict[str, Any]:
    with blamed(f"metric {number.kind} failed in `show`"):
        text = str(number.show(reading))
    parts = {str(key): part for key, part in reading.parts.items()}
    told = {"label": number.name, "value": reading.value, "text": text}
    if type(number) is not kinds_of_numbers().get(number.kind):
        told["place"] = place_of(type(number))
    return told | ({"parts_of": number.parts_of, "parts": parts} if parts else {})


def _privacy(experiment: Experiment, setup: Setup, tally: Tally) -> dict[str, Any]:
    """The privacy of a finished run: the noise, and the largest epsilon any client has spent; nothing without."""
    privacy = setup.central_privacy or setup.training.privacy
    if privacy is None:
        return {}
    planned = experiment.training.privacy
    return {
        "epsilon": (tally.readings["epsilon"].value or 0.0) if "epsilon" in tally.readings else 0.0,
        "target_epsilon": None if planned is None else planned.target_epsilon,
        "delta": privacy.delta,
        "noise_multiplier": privacy.sigma,
        # What one of these gives away is what the promise bounds.
        "protected": setup.clients if setup.central_privacy else max(setup.shards.sizes),
    }
