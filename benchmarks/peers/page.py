"""The results as one Markdown page: a table of all rules, then the findings of each."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]

PATIENCE = 20
"""Seconds of real time that a rule is given for one input, unless a record says so."""

HEAD = f"""# Rules of other libraries under `fedprop verify`

Each rule below was imported from its released package and tried on generated inputs against the definition and the
claims of the built-in rule that it says it is; a rule without a counterpart here, against what its own documented
formula implies. Every counterexample is the smallest that the search found, and the command above it finds it again
where these versions are installed (`nox -s peers` installs them and repeats everything). A finding is about the
version named and nothing else, and "holds" means that so many inputs did not refute the claim. Where a library
documents another definition than the paper's, the page says so: there a difference is a choice and not a mistake.
A rule is given {PATIENCE} seconds of real time for one input, unless its section says otherwise; one that takes longer
has no answer to it.
"""


def page(results: Mapping[str, Any]) -> str:
    """The whole page."""
    versions = ", ".join(f"{name} {number}" for name, number in results["environment"].items())
    run = [record for record in results["peers"] if record["outcomes"]]
    absent = [record["place"] for record in results["peers"] if not record["outcomes"]]
    parts = [HEAD, f"Run with {versions}; seed {results['seed']}.\n", table(run)]
    parts += [f"Not installed, so not tried: {', '.join(absent)}.\n"] if absent else []
    left_out = [f"Not tried: {name}, because {why}\n" for name, why in results["not_tried"].items()]
    return "\n".join([*parts, *left_out, *(section(record) for record in run)])


def table(records: Sequence[Record]) -> str:
    """One line per rule: how many of its claims hold, and the names of those that do not."""
    lines = ["| Rule | Version | Tried as | Claims that hold | Claims that do not |", "|---|---|---|---|---|"]
    for record in records:
        broken = ", ".join(outcome["name"] for outcome in with_verdict(record, "broken")) or "none"
        broken = "gives no answer" if silent(record) else broken
        held = len(with_verdict(record, "holds"))
        name = f"[{record['place']}](#{record['target']})"
        lines.append(f"| {name} | {record['version']} | {kind(record['as'])} | {held} | {broken} |")
    return "\n".join(lines) + "\n"


def section(record: Record) -> str:
    """One rule: what holds, what its documentation says, and each finding."""
    held = [f"{outcome['name']} ({outcome['examples']} inputs)" for outcome in with_verdict(record, "holds")]
    lines = [
        f'<a id="{record["target"]}"></a>',
        f"## {record['place']}, {record['package']} {record['version']}",
        "",
        f"Tried as {kind(record['as'])}:",
        "",
        f"    {record['command']}",
        "",
        *_given_longer(record),
        f"Holds: {', '.join(held) or 'nothing'}.",
        "",
    ]
    if silent(record):
        lines += [f"Gives no answer: {silent(record)}", ""]
    if record["documented"]:
        lines += [f"Documented: {record['documented']}", ""]
    for outcome in with_verdict(record, "broken"):
        lines += [*finding(outcome), ""]
    return "\n".join(lines)


def _given_longer(record: Record) -> list[str]:
    """What a record was made with, if a rule was given other than the usual time."""
    seconds = record.get("patience", PATIENCE)
    if seconds == PATIENCE:
        return []
    return [f"Given {seconds:.0f} seconds for one input (`benchmarks/peers/run.py --patience {seconds:.0f}`).", ""]


def finding(outcome: Mapping[str, Any]) -> list[str]:
    """One claim that does not hold, with its input and both answers."""
    shown = outcome["counterexample"]
    lines = [f"**{outcome['name']}** does not hold: {outcome['statement']} ({outcome['source']})", ""]
    for name, value in (
        ("f", shown.get("f")),
        ("rows", shown.get("rows")),
        ("byzantine", shown.get("byzantine")),
        ("expected", shown.get("expected")),
        ("found", shown["found"]),
    ):
        if value is not None:
            lines.append(f"    {name + ':':11}{value if isinstance(value, str) else json.dumps(value)}")
    return lines


def silent(record: Record) -> str:
    """Why a rule answers no input at all; empty if it does."""
    return next((o["why"] for o in record["outcomes"] if o["name"] == "answers" and o["verdict"] == "skipped"), "")


def with_verdict(record: Record, verdict: str) -> list[Mapping[str, Any]]:
    """The outcomes that were decided so."""
    return [outcome for outcome in record["outcomes"] if outcome["verdict"] == verdict]


def kind(value: Any) -> str:
    """A built-in rule in words."""
    if value is None:
        return "what its formula implies"
    if isinstance(value, str):
        return f"`{value}`"
    parts = [value] if isinstance(value, Mapping) else value
    return ", ".join(" ".join([f"`{part['kind']}`", *_settings(part)]) for part in parts)


def _settings(part: Mapping[str, Any]) -> list[str]:
    return [f"{name}={value}" for name, value in part.items() if name != "kind"]
