"""Write docs/catalogue.md: all rules, stages, postprocessors, protocols and attacks, and Table I of Shi et al. 2022.

`nox -s catalogue` runs it; a test holds the page to what the registries say.
"""

from pathlib import Path
from typing import NamedTuple

from fedprop.aggregators import AGGREGATORS, POSTPROCESSORS, STAGES
from fedprop.attacks import ATTACKS, BACKDOORS
from fedprop.defenses import PROTOCOLS
from fedprop.experiments.catalogue import told_of
from fedprop.settings import summary_of

PAGE = Path(__file__).with_suffix(".md")
FAMILIES = (AGGREGATORS, STAGES, POSTPROCESSORS, PROTOCOLS, ATTACKS, BACKDOORS)

INTRODUCTION = """# The catalogue

Everything that can stand as a `kind` under `defense`, `attack` or `backdoor`, as the code says it. `nox -s catalogue`
writes this page, and `fedprop list aggregators` tells the same. Claims are those of the contract, which `fedprop
verify` attacks; what is not claimed is not said to fail. Tolerances are for 20 clients, in the last of the
configurations that a kind offers as worth trying (f = 2 for most). The coefficient is kappa for that many (Allouah et
al. 2023): the squared distance of the answer from the mean of the honest rows is at most kappa times their mean squared
distance from it. Unattacked is the same where all rows are honest: what the precaution costs. Both are empty where
nothing is proved. Costs count n rows of d numbers; iterations on
n-by-n matrices are left out where they are less. An asynchronous policy goes with everything that does not say why it
needs rounds, as long as enough updates come together: one under FedAsync, a buffer under FedBuff.

What weighs rows has a `weighting`, against the weight attack of Shi et al. (Section VII): `uniform`, where claims count
for nothing; `examples`, the numbers of training examples that clients claim, as FedAvg believes them; or `capped`,
these cut as Portnoy et al. 2020 do. "Reported" would be another word for the second, and leaves open what is reported.
"""

COMPARISON = """
## Table I of Shi et al. 2022, and what stands here

The survey's words on the left, K clients being its n; on the right what the code asks for, and where the two differ.

| solution | attackers | accuracy | data | complexity | `kind` | here | where they differ |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


class Row(NamedTuple):
    """A line of the survey's table, the kinds that stand for it here, and what is to be said of the difference."""

    solution: str
    attackers: str
    accuracy: str
    data: str
    complexity: str
    kinds: tuple[str, ...]
    remark: str = ""


TABLE = (
    Row("Multi-Krum", "< 50%", "medium", "IID", "K^2 d", ("krum",), "n >= 2f + 3, so a little less than half"),
    Row("FABA", "< 50%", "medium", "IID", "K^2 d", ("faba",)),
    Row(
        "Sniper", "< 50%", "medium", "IID", "K^2 d", ("sniper",), "and the search for a clique, which has no such bound"
    ),
    Row(
        *("FoolsGold", "no limit", "medium", "IID / non-IID", "K^2 d"),
        ("fools_gold",),
        "a lone attacker is like nobody else, and loses no credit: `specs/test_fools_gold.py`",
    ),
    Row(
        "Wan et al.",
        "< 50%",
        "high",
        "IID",
        "K^2 d",
        ("density_filter",),
        "a stage, reconstructed; with `mean` behind it the survey's rule",
    ),
    Row(
        *("MAB-RFL", "< 50%", "high", "IID / non-IID", "K^2 d"),
        ("mab_rfl",),
        "with the published thresholds honest clients that learn alike are rejected: [protocols.md](protocols.md)",
    ),
    Row(
        *("Li et al.", "< 50%", "high", "IID / non-IID", "K d"),
        ("spectral_detection",),
        "linear layers, whose training has a closed form; the server's clients are made up in every round",
    ),
    Row(
        "Zeno",
        "no limit",
        "high",
        "IID / non-IID",
        "K d",
        ("zeno",),
        "as long as `b` is at least their number",
    ),
    Row("Cao et al.", "no limit", "high", "IID", "K d", ("cao_lai",)),
    Row(
        *("FLTrust", "no limit", "high", "IID / non-IID", "K d"),
        ("fl_trust",),
        "K^2 d here, since all inner products are taken in the one pass",
    ),
    Row("AFA", "< 50%", "high", "IID", "K^2 d", ("afa",), "reconstructed; claims no tolerance"),
    Row(
        *("GeoMed, MarMed, trimmed mean", "< 50%", "high", "IID / non-IID", "K d log K"),
        ("geometric_median", "median", "trimmed_mean"),
        "the geometric median sorts nothing: K^2 d, whatever the number of its iterations",
    ),
    Row(
        *("Bulyan", "< 50%", "medium", "IID", "K^2 d"),
        ("bulyan",),
        "n >= 4f + 3: less than a quarter, as its paper says",
    ),
    Row(
        *("SLSGD", "< 50%", "medium", "IID / non-IID", "K d log K"),
        ("trimmed_mean", "moving_average"),
        "a chain: trimmed_mean, then moving_average",
    ),
    Row("RFA", "< 50%", "medium", "IID", "K d", ("rfa",), "K^2 d here: distances are taken once, not in each pass"),
    Row(
        "RSA",
        "no limit",
        "high",
        "IID / non-IID",
        "K d",
        ("rsa",),
        "each attacker moves a weight by at most 2 lr lambda",
    ),
)


def page() -> str:
    """The whole page."""
    return INTRODUCTION + "".join(map(family, FAMILIES)) + COMPARISON + "".join(map(compared, TABLE))


def family(registry) -> str:
    """One table, with a column for each fact that is told of any of its kinds."""
    told = {kind: told_of(registry.family, cls) for kind, cls in registry.kinds.items()}
    headings = [name for name in next(iter(told.values())) if any(facts.get(name) for facts in told.values())]
    lines = [["kind", "what it is", *headings], ["---"] * (len(headings) + 2)]
    for kind, cls in registry.kinds.items():
        lines.append([f"`{kind}`", summary_of(cls), *(told[kind].get(name, "") for name in headings)])
    return f"\n## {registry.family.capitalize()}\n\n" + "".join(map(line, lines))


def compared(row: Row) -> str:
    """One line of the survey's table with ours beside it."""
    found = [(registry, kind) for kind in row.kinds for registry in FAMILIES if kind in registry.kinds]
    told = [told_of(registry.family, registry.kinds[kind]) for registry, kind in found]
    here = "; ".join(", ".join(facts[name] for name in ("needs", "cost") if facts.get(name)) for facts in told)
    names = ", ".join(f"`{kind}`" for kind in row.kinds)
    return line([row.solution, row.attackers, row.accuracy, row.data, row.complexity, names, here, row.remark])


def line(cells: list[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
