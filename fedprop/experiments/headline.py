"""A finished run in one line, and what its reader must be warned of: for the terminal, the report and tables."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Summary: TypeAlias = Mapping[str, Any]
"""What `fedprop.experiments.summary.summarize` makes of a run."""

OVERRUN, FAILED = "°", "†"
"""The marks of a number in a table."""

ROUNDING = 1e-6
"""By how much an epsilon that was planned may miss its target."""

LEGEND = {
    OVERRUN: "more clients compromised, or updates of theirs in a round, than the rule tolerates",
    FAILED: "attacks or rounds failed, attacks had no effect, no update ever had any weight, or the loss ended at NaN",
}


def headline(summary: Summary) -> str:
    """Rule, attack, compromised clients, policy, and what failed; empty for a run of a version that kept none of it.

    >>> headline({
    ...     "defense": "mean", "attacks": [{"kind": "gaussian"}], "compromised": 2, "clients": 9, "tolerated": 0,
    ...     "cohort": 9, "policy": "fedbuff", "failed_rounds": 1, "failed_attacks": 0,
    ... })
    'mean · gaussian, 2 of 9 clients compromised; the rule tolerates 0 · fedbuff · 1 failed round · 0 failed attacks'
    """
    if "defense" not in summary:
        return ""
    parts = [summary["defense"], attacked(summary), summary["policy"], _count(summary["failed_rounds"], "failed round")]
    if summary["attacks"]:
        parts.append(_count(summary["failed_attacks"], "failed attack"))
    return " · ".join(parts)


def attacked(summary: Summary) -> str:
    """Who attacks, with how many clients, and how many of them the rule tolerates."""
    if not summary["attacks"]:
        return "no attack"
    kinds = " and ".join(attack["kind"] for attack in summary["attacks"])
    told = f"{kinds}, {summary['compromised']} of {summary['clients']} clients compromised"
    return told if summary["tolerated"] is None else f"{told}; the rule tolerates {_tolerated(summary)}"


def warnings(summary: Summary) -> list[str]:
    """What the reader of the run's numbers must know, a sentence each."""
    found = []
    if overrun(summary):
        found.append(
            f"{summary['compromised']} of {summary['clients']} clients are compromised, "
            f"and the rule tolerates {_tolerated(summary)}"
        )
    elif crowded := summary.get("crowded"):
        found.append(
            f"in {crowded['rounds']} of {summary['rounds']} rounds attackers sent more of the updates than the rule "
            f"tolerates, {crowded['most']} of {summary['cohort']} at most, since a client may send several"
        )
    for attack in summary["attacks"]:
        if attack.get("ignored"):
            found.append(
                f"the attack {attack['kind']} is without effect here, since the numbers of examples that clients claim "
                "change no aggregate"
            )
    for probe in summary.get("silent_probes", ()):
        found.append(
            f"probe {probe} found nothing: in no round in which it looked was there anything for it to look at"
        )
    if probed := summary.get("probed_attackers"):
        found.append(
            f"what was sought in the updates of {_clients(probed)} says little of honest ones: an attack makes them"
        )
    found += _promises(summary)
    if (weightless := summary.get("weightless_rounds")) and not _unmoved(summary):  # runs that are older do not tell
        found.append(f"in {weightless} of {summary['rounds']} rounds no update had any weight")
    return found + doubts(summary)


def _promises(summary: Summary) -> list[str]:
    """Where an epsilon promises less than it seems to."""
    if "protected" not in summary:
        return []
    found, (delta, many) = [], (summary["delta"], summary["protected"])
    if delta * many >= 1:
        found.append(
            f"`delta` {delta:g} is not below 1 / {many}: to give one of {many} away whole would keep the promise"
        )
    target = summary["target_epsilon"]
    if target is not None and summary["epsilon"] > target * (1 + ROUNDING):
        found.append(
            f"epsilon {summary['epsilon']:.2f} is beyond the target of {target:g}: a client trained more often"
        )
    return found


def _clients(ids: Sequence[int]) -> str:
    """In words.

    >>> _clients([3]), _clients([3, 4])
    ('client 3', 'clients 3 and 4')
    """
    *first, last = map(str, ids)
    return f"clients {', '.join(first)} and {last}" if first else f"client {last}"


def doubts(summary: Summary) -> list[str]:
    """Why the run's numbers may not be what was asked for, a sentence each: what failed in it, or had no effect.

    A model may well answer with NaN because an attack succeeded, but then its accuracy is no measure of that.
    """
    found = []
    for attack in summary["attacks"]:
        name = f"attack {attack['kind']}"
        if attack["failed"]:
            often = _count(attack["failed"], "time")
            found.append(f"{name} failed {often} and its clients answered honestly, first {attack['failure']}")
        if attack["idle"]:
            found.append(f"{name} had no effect: {attack['idle']}")
    if _unmoved(summary):
        found.append("the model is as it began: in no round any update had any weight")
    if (start := summary.get("numberless_from")) is not None:  # runs that are older do not tell
        found.append(f"from round {start} to the end the test loss is NaN or infinity{_sunken(summary)}")
    if summary["failed_rounds"]:
        number, rounds = summary["failed_rounds"], summary["rounds"]
        found.append(f"{number} of {rounds} rounds failed, most often since {summary['commonest_failure']}")
    return found


def _sunken(summary: Summary) -> str:
    """Why a model has no loss, where that is known, and what helps."""
    number = summary.get("sunken_variances", 0)  # runs that are older do not tell
    if not number:
        return ""
    return f", since {_count(number, 'running variance')} ended below zero, which `variance_guard` prevents"


def _unmoved(summary: Summary) -> bool:
    """Whether no update ever had any weight, so that the numbers are those of a model that learnt nothing."""
    weightless: int = summary.get("weightless_rounds", 0)
    return weightless > 0 and weightless + summary["failed_rounds"] == summary["rounds"]


def marks(summaries: Sequence[Summary]) -> str:
    """The marks that a number from these runs must bear in a table."""
    known = [summary for summary in summaries if "defense" in summary]
    beyond = any(overrun(summary) or summary.get("crowded") for summary in known)
    return OVERRUN * beyond + FAILED * any(map(doubts, known))


def overrun(summary: Summary) -> bool:
    """Whether more clients of one round may be compromised than the rule tolerates."""
    tolerated: int | None = summary["tolerated"]
    return tolerated is not None and min(summary["compromised"], summary["cohort"]) > tolerated


def _tolerated(summary: Summary) -> str:
    among = "" if summary["cohort"] == summary["clients"] else f" of {summary['cohort']} updates"
    return f"{summary['tolerated']}{among}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
