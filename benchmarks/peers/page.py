"""The results as one Markdown page: a table of all rules, then the findings of each."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fedprop.verify.hunting.patience import PATIENCE

Record = Mapping[str, Any]

HEAD = """# Rules of other libraries under `fedprop verify`

Each rule below was imported from its released package and tried on generated inputs against the definition and the
claims of the built-in rule that it says it is; a rule without a counterpart here, against what its own documented
formula implies. Every counterexample is the smallest that the search found, and the command above it finds it again
where these versions are installed (`nox -s peers` installs them and repeats everything). A finding is about the
version named and nothing else, and "holds" means that so many inputs did not refute the claim; where too few had an
answer, it is undecided. Where a library documents another definition than the paper's, the page says so: there a
difference is a choice and not a mistake.
"""


def page(results: Mapping[str, Any]) -> str:
    """The whole page, which ends with the code that it tells of."""
    versions = ", ".join(f"{name} {number}" for name, number in results["environment"].items())
    run = [record for record in results["peers"] if record["outcomes"]]
    absent = [record["place"] for record in results["peers"] if not record["outcomes"]]
    given = f"A rule was given {results['patience']:g} seconds of real time for one input"
    by_commands = f"the commands below give it {PATIENCE:g}"
    parts = [HEAD, f"Run with {versions}; seed {results['seed']}. {given}; {by_commands}.\n", table(run)]
    parts += [f"Not installed, so not tried: {', '.join(absent)}.\n"] if absent else []
    left_out = [f"Not tried: {name}, because {why}\n" for name, why in results["not_tried"].items()]
    return "\n".join(
        [*parts, *left_out, *(section(record) for record in run), f"<!-- of the code {results['code']} -->\n"]
    )


def table(records: Sequence[Record]) -> str:
    """One line per rule: how many of its claims hold, and the names of those that do not."""
    lines = ["| Rule | Version | Tried as | Claims that hold | Claims that do not |", "|---|---|---|---|---|"]
    for record in records:
        name, held = f"[{record['place']}](#{record['target']})", len(with_verdict(record, "holds"))
        lines.append(f"| {name} | {record['version']} | {kind(record['as'])} | {held} | {verdicts(record)} |")
    return "\n".join(lines) + "\n"


def verdicts(record: Record) -> str:
    """The claims that do not hold, and those that are undecided."""
    broken = ", ".join(outcome["name"] for outcome in with_verdict(record, "broken"))
    doubtful = ", ".join(outcome["name"] for outcome in undecided(record))
    return "; ".join([broken or "none", *([f"undecided: {doubtful}"] if doubtful else [])])


def section(record: Record) -> str:
    """One rule: what holds, what its documentation says, and each finding."""
    held = [f"{outcome['name']} ({_on(outcome)})" for outcome in with_verdict(record, "holds")]
    lines = [
        f'<a id="{record["target"]}"></a>',
        f"## {record['place']}, {record['package']} {record['version']}",
        "",
        f"Tried as {kind(record['as'])}:",
        "",
        f"    {record['command']}",
        "",
        f"Holds: {', '.join(held) or 'nothing'}.",
        "",
    ]
    for outcome in undecided(record):
        lines += [f"Undecided: {outcome['name']} ({_on(outcome)}).", ""]
    if record["documented"]:
        lines += [f"Documented: {record['documented']}", ""]
    for outcome in with_verdict(record, "broken"):
        lines += [*finding(outcome), ""]
    return "\n".join(lines)


def _on(outcome: Mapping[str, Any]) -> str:
    """How many inputs had an answer, and what became of others."""
    return "; ".join([f"{outcome.get('examples', 0)} inputs", *([outcome["why"]] if outcome.get("why") else [])])


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


def with_verdict(record: Record, *verdicts: str) -> list[Mapping[str, Any]]:
    """The outcomes that were decided so."""
    return [outcome for outcome in record["outcomes"] if outcome["verdict"] in verdicts]


def undecided(record: Record) -> list[Mapping[str, Any]]:
    """The outcomes of claims that were tried, and on too few inputs to tell."""
    return with_verdict(record, "undecided", "unanswered")


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
