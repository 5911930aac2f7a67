"""Write docs/five_papers.md and its picture: what came out of `fedprop sweep sims/five_papers.yaml`.

`python docs/five_papers.py runs/five_papers/results.csv` condenses the sweep's table to docs/five_papers.csv; without
an argument the page is written anew from that file. Numbers by program, the reading by hand (five_papers_text.md).
"""

import csv
import sys
from pathlib import Path

from defenses import NO_ATTACK, Results, Situation, condensed, heat, holds, keep, kept, labels, runs, where

PAGE = Path(__file__).with_suffix(".md")
TABLE = PAGE.with_suffix(".csv")
PICTURE = PAGE.parent / "images" / "five_papers.png"


def page(results: Results) -> str:
    """The whole page."""
    text = PAGE.with_name("five_papers_text.md").read_text(encoding="utf-8")
    for name, found in (("runs", runs(results)), ("holding", holding(results)), ("accuracies", accuracies(results))):
        text = text.replace(f"{{{name}}}", found)
    return text


def settings(results: Results) -> list[dict[str, str]]:
    """The ways to deal the data out, each with a share of attackers."""
    return [{"partition": p, "share": s} for p in labels(results, "partition") for s in labels(results, "share")]


def holding(results: Results) -> str:
    """For each system and setting: against how many attacks it holds, and its accuracy under the worst of them."""
    lines = [["system", *(f"{s['partition']}, {s['share']}" for s in settings(results)), "holds in all"]]
    lines.append(["---"] * len(lines[0]))
    for defense in labels(results, "defense"):
        attacked = [
            [s for s in where(results, defense=defense, **setting) if s.attack != NO_ATTACK]
            for setting in settings(results)
        ]
        counts = [sum(holds(results, situation) for situation in found) for found in attacked]
        cells = [
            f"{count} of {len(found)}, {_worst(results, found)}" for count, found in zip(counts, attacked, strict=True)
        ]
        lines.append([defense, *cells, f"{sum(counts)} of {sum(map(len, attacked))}"])
    return _table(lines)


def _worst(results: Results, situations: list[Situation]) -> str:
    found = [results[situation].test_accuracy for situation in situations]
    return "failed" if None in found else f"{min(a for a in found if a is not None):.2f}"


def accuracies(results: Results) -> str:
    """A table of test accuracies for each setting."""
    return "\n".join(
        f"### {s['partition']}, {s['share']} compromised\n\n{_accuracies(results, s)}" for s in settings(results)
    )


def _accuracies(results: Results, setting: dict[str, str]) -> str:
    attacks = labels(results, "attack")
    lines = [["system", *attacks], ["---"] * (1 + len(attacks))]
    for defense in labels(results, "defense"):
        found = {s.attack: results[s] for s in where(results, defense=defense, **setting)}
        lines.append([defense, *(_told(found[attack].test_accuracy) for attack in attacks)])
    return _table(lines)


def _told(accuracy: float | None) -> str:
    return "failed" if accuracy is None else f"{accuracy:.2f}"


def _table(lines: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def draw(results: Results) -> None:
    """The picture of the page."""
    from fedprop.report.figures import png

    panels = [(f"{s['partition']}, {s['share']}", s) for s in settings(results)]
    title = "MNIST: test accuracy, percent"
    PICTURE.write_bytes(png(heat(results, panels, lambda numbers: numbers.test_accuracy, title, down=3)))


if __name__ == "__main__":
    if sys.argv[1:]:
        with Path(sys.argv[1]).open(newline="", encoding="utf-8") as file:
            keep(condensed(csv.DictReader(file)), TABLE)
        draw(kept(TABLE))
    PAGE.write_text(page(kept(TABLE)), encoding="utf-8")
