"""Writes docs/heterofl.md from docs/heterofl_text.md and the numbers of the round that docs/images/heterofl.py plays.

Run it from the root of the repository.
"""

import math
import runpy
from pathlib import Path
from typing import Any

import torch
import yaml

from fedprop.aggregators import SimilarityDetection, Watermark
from fedprop.aggregators.angles import cosines
from fedprop.aggregators.relative_similarity import half_of
from fedprop.data import label_diversity, load_diversity
from fedprop.defenses.heterofl import HeteroFl

FOLDER = Path(__file__).parent

DRAWN = runpy.run_path(str(FOLDER / "images" / "heterofl.py"))
ATTACKERS, FEWER, LONG, SHORT, SYBILS = (DRAWN[name] for name in ("ATTACKERS", "FEWER", "LONG", "SHORT", "SYBILS"))
dealt, grouping, ratios, scores, walk = (DRAWN[name] for name in ("dealt", "grouping", "ratios", "scores", "walk"))


def page() -> str:
    """The page, with all its numbers."""
    text = (FOLDER / "heterofl_text.md").read_text(encoding="utf-8")
    return text.format(
        file=DRAWN["FILE"],
        **_about_data(),
        **_about_directions(),
        **_about_groups(),
        **_about_lengths(),
        **_about_means(),
    )


def _about_data() -> dict[str, Any]:
    lines = [
        f"| {name} | `{yaml.safe_dump(DRAWN['PARTS'][name], default_flow_style=True, sort_keys=False).strip()}` "
        f"| {float(label_diversity(counts).mean()):.2f} | {float(load_diversity(counts).mean()):.1f} |"
        for name, counts in dealt().items()
    ]
    return {"partitions": "\n".join(lines)}


def _about_directions() -> dict[str, Any]:
    found, bound = scores(walk().cohorts[0])
    fewer, fewer_bound = scores(walk(FEWER).cohorts[0])
    alike = cosines(walk().cohorts[0].updates)[len(ATTACKERS) :, len(ATTACKERS) :]
    gone = [client for client in walk(FEWER).dropped(0) if client < FEWER]
    assert walk().dropped(0) == list(SYBILS)
    return {
        "n": len(found),
        "bad": len(ATTACKERS),
        "first": len(ATTACKERS),
        "last": len(found) - 1,
        "half": half_of(len(found)),
        "honest_cosine": float((alike.sum() - len(alike)) / (len(alike) ** 2 - len(alike))),
        "bound": bound,
        "sybils": len(SYBILS),
        "sybil_low": min(found[client] for client in SYBILS),
        "rest_high": max(score for client, score in found.items() if client not in SYBILS),
        "fewer": FEWER,
        "fewer_high": max(fewer.values()),
        "fewer_bound": fewer_bound,
        "fewer_told": f"{len(gone)} of them go" if gone else "none of them goes",
    }


def _about_groups() -> dict[str, Any]:
    found, cohort, going = grouping(), walk().cohorts[1], walk().dropped(1)
    suspect = ~found.benign[found.groups]
    assert {client for client, odd in zip(cohort.clients, suspect.tolist(), strict=True) if odd} >= set(going)
    benign, odd = found.means[found.benign], found.means[~found.benign]
    honest = [client for client in going if client not in ATTACKERS]
    bad, good = (" and ".join(map(str, some)) for some in ([client for client in going if client in ATTACKERS], honest))
    return {
        "left": len(cohort.clients),
        "clusters": int(found.clusters.max()) + 1,
        "benign": len(benign),
        "groups": len(found.means),
        "suspects": int(suspect.sum()),
        "beta": SimilarityDetection().beta,
        "gone": f"attacker {bad} and the honest clients {good}",
        "above": int((odd > benign.max()).sum()),
        "odd": len(odd),
        "gone_honest": len(honest),
        "gone_count": len(going),
    }


def _about_lengths() -> dict[str, Any]:
    """Of the steps that look at losses and at lengths."""
    reductions, (lengths, low, high) = walk().reductions, ratios()
    honest = [found for client, found in reductions.items() if client not in ATTACKERS]
    (flipper,) = [client for client in walk().cohorts[4].clients if client in ATTACKERS]
    assert (walk().dropped(2), walk().dropped(3)) == ([LONG], [SHORT])
    return {
        "triggers": HeteroFl().triggers,
        "lambda_": -Watermark().lambda_,
        "long": LONG,
        "damage": -reductions[LONG],
        "least": -min(honest),
        "most": max(honest),
        "start": math.log(11),
        "classes": 11,
        "flipper": flipper,
        "flip": -reductions[flipper],
        "factor": math.sqrt(high / low),
        "short": SHORT,
        "short_length": lengths[SHORT],
        "low": low,
        "common": float(walk().rows(4).norm(dim=1).mean()),
    }


def _about_means() -> dict[str, Any]:
    honest = walk().rows(0)[len(ATTACKERS) :].mean(dim=0)
    names = ["step 1", "step 2", "step 3", "step 4", "the average"]
    lines = []
    for step, name in enumerate(names):
        clients, mean = walk().cohorts[step].clients, walk().rows(step).mean(dim=0)
        bad = len(ATTACKERS.intersection(clients))
        away, cosine = (
            float((mean - honest).norm() / honest.norm()),
            float(torch.cosine_similarity(mean, honest, dim=0)),
        )
        lines.append(f"| {name} | {len(clients)} | {bad} | {away:.2f} | {cosine:.2f} |")
    left = walk().cohorts[4].clients
    return {
        "distances": "\n".join(lines),
        "honest": len(walk().rows(0)) - len(ATTACKERS),
        "kept_bad": len(ATTACKERS.intersection(left)),
        "kept_good": len(set(left) - ATTACKERS),
        "long_length": float(walk().rows(0)[LONG].norm()),
    }


if __name__ == "__main__":
    (FOLDER / "heterofl.md").write_text(page(), encoding="utf-8")
