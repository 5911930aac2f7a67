"""The page of the five papers: what each is about, and all that is listed here and names it as its source."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from kind_page import PAGED, plain

from fedprop.experiments.catalogue import REGISTRIES, told_of


class Paper(NamedTuple):
    """A paper: how it is cited, how docstrings name it, what it brings, and where its numbers stand beside ours."""

    title: str
    named: str
    about: str


PAPERS = (
    Paper(
        "Fang et al. 2020: local model poisoning",
        r"Fang(?: et al|, Cao, Jia)|Local Model Poisoning",
        'M. Fang, X. Cao, J. Jia and N. Z. Gong, "Local Model Poisoning Attacks to Byzantine-Robust Federated '
        'Learning", USENIX Security 2020. Attacks that are made against one rule each, with full or partial knowledge, '
        "and two defenses that ask the server for losses. Its Table 2 stands in "
        "[sims/fang2020](sims/fang2020/README.md), Table 5 in [the reproductions](docs/reproductions.md).",
    ),
    Paper(
        "Shi et al. 2022: a survey, and the weight attack",
        r"Shi et al",
        'J. Shi, W. Wan, S. Hu, J. Lu and L. Y. Zhang, "Challenges and Approaches for Mitigating Byzantine Attacks in '
        'Federated Learning", 2022. Its Table I stands beside ours in [the catalogue](docs/catalogue.md); the weight '
        "attack lies about numbers of examples, and its figures stand in [the reproductions](docs/reproductions.md).",
    ),
    Paper(
        "Guo et al. 2024: SIREN+",
        r"Guo et al|SIREN\+|Siren\+",
        'H. Guo et al., "Siren+: Robust Federated Learning with Proactive Alarming and Differential Privacy", 2024. '
        "Clients test each model and raise alarms: [one attacked round](docs/siren_plus.md), message by message; "
        "its claims beside what was measured in [sims/siren_plus](sims/siren_plus/README.md).",
    ),
    Paper(
        "Lu et al. 2024: HeteroFL",
        r"HeteroFL",
        'J. Lu, S. Hu, W. Wan, M. Li, L. Y. Zhang, L. Xue, H. Wang and H. Jin, "Depriving the Survival Space of '
        'Adversaries Against Poisoned Gradients in Federated Learning", IEEE TIFS 2024. Four steps before a mean, how '
        "different clients' data are, and an adaptive attack: [one attacked round](docs/heterofl.md), step by step; "
        "its tables stand in [the reproductions](docs/reproductions.md).",
    ),
    Paper(
        "Han et al. 2024: FedSecurity",
        r"FedSecurity|Kick Bad Guys",
        'S. Han et al., "FedSecurity: A Benchmark for Attacks and Defenses in Federated Learning and Federated LLMs", '
        "2024. A library of attacks and defenses; [its calls beside ours](docs/fedsecurity.md), and its experiments in "
        "[the reproductions](docs/reproductions.md).",
    ),
)


def page() -> str:
    """All five, in Markdown."""
    parts = [
        "# The five papers\n",
        "What fedprop implements first of all. Below each stands all that is listed here and names the paper as its "
        "source; [docs/five_papers.md](docs/five_papers.md) has the papers' systems in one table.\n",
    ]
    for paper in PAPERS:
        lines = [f"- {link} ({family}): {said}" for link, family, said in named(paper)]
        parts += [f"## {paper.title}\n", f"{paper.about}\n", *lines, ""]
    return "\n".join(parts)


def named(paper: Paper) -> Iterator[tuple[str, str, str]]:
    """Link, family and first sentence of each kind whose source is a paper."""
    for registry in REGISTRIES:
        for kind, cls in registry.kinds.items():
            if re.search(paper.named, told_of(registry.family, cls)["source"]):
                place = f"{registry.family}/{kind}" if registry in PAGED else registry.family
                said = (cls.__doc__ or "").strip().split("\n")[0]
                yield f"[`{kind}`](kinds/{place}.md)", registry.family, plain(said)
