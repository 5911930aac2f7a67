"""Findings for people: the input as it was put, and code that shows the mistake again."""

import math
from typing import Any

from torch import Tensor

from fedprop.properties import Case, Finding
from fedprop.verify.report import Counterexample, Limit, Outcome, Peak, Report, Verdict
from fedprop.verify.script import defined, finds, literal
from fedprop.verify.target import Target

WHOLE = 1e6
"""Whole numbers below it are written without an exponent."""

HELPERS = {
    "answer": "fedprop.properties.base",
    "streamed": "fedprop.properties.universal",
    "shares_memory": "fedprop.properties.universal",
}
"""What findings call beside the rule, and where it is."""

ROWS, COLUMNS, LAST = 30, 10, 3
"""So many rows, and numbers of a row, fit on a screen; of more, the last three are shown and the first ones."""


def reproduce(target: Target, f: int, case: Case, finding: Finding) -> Counterexample:
    """A counterexample for a rule, with the rows that it was asked about."""
    rows = case.wide if finding.rows is None else finding.rows
    same = rows.shape[0] == len(case.honest)
    return Counterexample(
        rows=tuple(tuple(row) for row in (rows + 0.0).tolist()),
        byzantine=tuple(case.byzantine) if same else (),
        f=f,
        found=str(finding),
        expected=plain(finding.expected),
        actual=plain(finding.actual),
        code=_code(target, f, rows, finding),
    )


def plain(value: Tensor | str | None) -> Any:
    """A tensor as nested lists, anything else as it is."""
    return value.tolist() if isinstance(value, Tensor) else value


def _code(target: Target, f: int, rows: Tensor, finding: Finding) -> str:
    extra = f", settings={dict(target.settings)}" if target.settings else ""
    named = target.source is None or finds(target.label, target.source)
    lines, made = ("", repr(target.label)) if named else defined(target.source, target.label)
    used = [
        f"from {place} import {name}" for name, place in HELPERS.items() if f"{name}(" in finding.ask + finding.want
    ]
    return "\n".join(
        [
            "import torch",
            *used,
            "from fedprop.verify import load_rule",
            "",
            *([lines, ""] if lines else []),
            f"rule = load_rule({made}, f={f}{extra})",
            f"rows = {literal(rows + 0.0)}",
            *_asked(finding),
        ]
    )


def _asked(finding: Finding) -> list[str]:
    """What was asked, and answered; then what it should have been."""
    lines = [f"print({finding.ask})  # {_told(finding.actual)}"]
    if finding.expected is not None and finding.want:
        lines.append(f"print({finding.want})  # {_told(finding.expected)}")
    elif finding.expected is not None:
        lines[-1] += f", expected {_told(finding.expected)}"
    return lines


def _told(value: Tensor | str) -> str:
    return str(plain(value))


def as_text(report: Report) -> str:
    """What a report says as plain text: every broken claim that counts, the limits, and how to run it again."""
    parts = ["\n".join([f"{report.target}: {summary(report)}", *report.notes])]
    parts += [described(outcome) for outcome in report.outcomes if outcome.fails and outcome.verdict == "broken"]
    parts += ["\n".join(lines)] if (lines := _without_verdict(report)) else []
    parts += ["\n".join(limit_in_words(limit) for limit in report.limits)] if report.limits else []
    parts += ["\n".join(["worst case found:", *(_peak(peak) for peak in report.search)])] if report.search else []
    return "\n\n".join([*parts, f"again: {report.command}"])


def limit_in_words(limit: Limit) -> str:
    """How many rows it took to carry the answer off."""
    took = "no number of rows" if limit.rows is None else "1 row" if limit.rows == 1 else f"{limit.rows} equal rows"
    return f"with n = {limit.n} and f = {limit.f}, {took} far away carried the answer off"


def _peak(peak: Peak) -> str:
    proved = "none proved" if peak.bound is None else f"proved {peak.bound:.4g}"
    return f"  n = {peak.n:>2}, f = {peak.f}: kappa {peak.kappa:.4g}, {proved}" + (" - REFUTED" if peak.above else "")


def summary(report: Report) -> str:
    """The verdict in one sentence."""
    owed = [outcome for outcome in report.outcomes if outcome.status != "tried" and outcome.verdict != "skipped"]
    counts: tuple[tuple[Verdict, str], ...] = (
        ("broken", "broken"),
        ("unanswered", "without an answer"),
        ("undecided", "undecided"),
    )
    named = ((told, [o.name for o in owed if o.verdict == verdict]) for verdict, told in counts)
    parts = [f"{len(names)} {told}: {', '.join(names)}" for told, names in named if names]
    if not parts:
        return f"all {len(owed)} claims hold on every input tried"
    number, _, rest = "; ".join(parts).partition(" ")
    return f"{number} of {len(owed)} claims {rest}"


def _without_verdict(report: Report) -> list[str]:
    """The claims that decide and of which too little, or nothing, could be seen; one line for each reason."""
    reasons: dict[str, list[str]] = {}
    for o in report.outcomes:
        if o.fails and o.verdict != "broken":
            answers = f"{o.examples} answers" if o.examples else "no answer to any input"
            reasons.setdefault(f"{answers} ({o.why})", []).append(o.name)
    return [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()]


def described(outcome: Outcome) -> str:
    """One broken claim: the sentence, its source, the input, both answers, and code that shows it again."""
    lines = [f"{outcome.name}: {outcome.statement}", f"  source: {outcome.source}"]
    shown = outcome.counterexample
    if shown is None:
        return "\n".join(lines)
    if shown.rows:
        lengths = {len(row) for row in shown.rows}
        size = f", {len(shown.rows)} x {max(lengths)}" if len(lengths) == 1 else ""
        lines += [f"  {shown.title}{size}" + ("" if shown.f is None else f", f = {shown.f}"), *matrix(shown)]
    lines.append(f"  found: {shown.found}")
    if shown.expected is not None:
        lines += [f"  expected: {_short(shown.expected)}", f"  actual:   {_short(shown.actual)}"]
    return "\n".join([*lines, "  to see it again:", *(f"    {line}" for line in shown.code.splitlines())])


def matrix(shown: Counterexample) -> list[str]:
    """The rows, one line each, right-aligned, with the Byzantine ones marked; of large ones, the beginning and the end.

    The code that shows a counterexample again has them whole.
    """
    cells = [_ends([_number(value) for value in row], COLUMNS) for row in shown.rows]
    width = max((len(cell) for row in cells for cell in row), default=0)
    lines = [
        f"    {i:>2}  {'  '.join(cell.rjust(width) for cell in row)}  {'Byzantine' if i in shown.byzantine else ''}"
        for i, row in enumerate(cells)
    ]
    return [line.rstrip() for line in _ends(lines, ROWS)]


def _ends(parts: list[str], most: int) -> list[str]:
    """The first and the last of so many parts, if there are more."""
    if len(parts) <= most:
        return parts
    return [*parts[: most - LAST], f"... ({len(parts) - most} more) ...", *parts[-LAST:]]


def _number(value: float) -> str:
    whole = math.isfinite(value) and value == int(value) and abs(value) < WHOLE
    return f"{value:.0f}" if whole else f"{value:.9g}"


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_ends([_short(item) for item in value], COLUMNS))}]"
    return _number(value) if isinstance(value, int | float) else str(value)
