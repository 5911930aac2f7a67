"""Findings for people: the input as it was put, and code that shows the mistake again."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor

from fedprop.aggregators import Rooted
from fedprop.properties import Case, Finding
from fedprop.properties.base import in_short
from fedprop.verify.pages.findings import Counterexample, Limit, Outcome, Peak, Report, Verdict
from fedprop.verify.targets.script import defined, finds, literal
from fedprop.verify.targets.target import Target

WHOLE = 1e6
"""Whole numbers below it are written without an exponent."""

HELPERS = {
    "answer": "fedprop.properties.base",
    "order": "fedprop.properties.moves",
    "shift": "fedprop.properties.moves",
    "rotation": "fedprop.properties.moves",
    "streamed": "fedprop.properties.universal",
    "shares_memory": "fedprop.properties.universal",
}
"""What findings call beside the rule, and where it is."""

MANY = 12
"""Of more rows than so many, equal ones share a line."""

ROWS, COLUMNS, LAST = 30, 10, 3
"""Most rows, and numbers of a row, shown: what fits on a screen. Of more, the last three and the first ones are."""


def reproduce(target: Target, f: int, case: Case, finding: Finding) -> Counterexample:
    """A counterexample for a rule, with the rows that it was asked about."""
    rows = case.wide if finding.rows is None else finding.rows
    same = rows.shape[0] == len(case.honest)
    server = 0 if isinstance(target.make(f), Rooted) else None
    return Counterexample(
        rows=tuple(tuple(row) for row in (rows + 0.0).tolist()),
        byzantine=tuple(row for row in case.byzantine if row != server) if same else (),
        server=server,
        f=f,
        found=str(finding),
        expected=plain(finding.expected),
        actual=plain(finding.actual),
        code=_code(target, f, rows, finding, "" if server is None else "  # row 0: what the server knows"),
    )


def plain(value: Tensor | str | None) -> Any:
    """A tensor as nested lists, anything else as it is."""
    return value.tolist() if isinstance(value, Tensor) else value


def _code(target: Target, f: int, rows: Tensor, finding: Finding, told: str) -> str:
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
            f"rows = {literal(rows + 0.0)}{told}",
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
    return in_short(value)


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
    """The rows, one line each, right-aligned, with the server's own and the Byzantine ones marked.

    Of large ones, the beginning and the end are shown.
    Where there are many, rows that are the same as their neighbours share a line, and columns a column. The code that
    shows a counterexample again has them all.
    """
    columns = _columns(shown.rows)
    cells = [[_number(row[start]) for start, _ in columns if start < len(row)] for row in shown.rows]
    lines = [["", *map(_span, columns)]] if any(stop - start > 1 for start, stop in columns) else []
    for start, stop in _same([(row, _marks(shown, i)) for i, row in enumerate(shown.rows)], MANY):
        lines.append([_span((start, stop)), *cells[start], *_marks(shown, start)])
    return _ends(_aligned([[head, *_ends(rest, COLUMNS)] for head, *rest in lines]), ROWS)


def _marks(shown: Counterexample, row: int) -> list[str]:
    """Whose row it is, where it is not an honest client's."""
    whose = (("server", row == shown.server), ("Byzantine", row in shown.byzantine))
    return [mark for mark, applies in whose if applies]


def _columns(rows: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Each column, or, where there are many, each stretch of equal ones."""
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        return [(k, k + 1) for k in range(max(lengths))]
    return _same([tuple(map(_number, column)) for column in zip(*rows, strict=True)], COLUMNS)


def _same(parts: Sequence[Any], most: int) -> list[tuple[int, int]]:
    """The first and the end of each part, or, of more than so many, of each stretch of equal ones."""
    starts = [i for i, part in enumerate(parts) if i == 0 or part != parts[i - 1] or len(parts) <= most]
    return list(pairwise([*starts, len(parts)])) if parts else []


def _span(stretch: tuple[int, int]) -> str:
    start, stop = stretch
    return str(start) if stop == start + 1 else f"{start}-{stop - 1}"


def _aligned(lines: list[list[str]]) -> list[str]:
    """Cells under each other; what is no number stands as it is."""
    head = max((len(line[0]) for line in lines), default=0)
    width = max((len(cell) for line in lines for cell in line[1:] if not _is_mark(cell)), default=0)
    return [
        f"    {line[0]:>{max(head, 2)}}  {'  '.join(c if _is_mark(c) else c.rjust(width) for c in line[1:])}".rstrip()
        for line in lines
    ]


def _is_mark(cell: str) -> bool:
    return cell in ("server", "Byzantine") or cell.startswith("...")


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
