"""What a list tells of a rule, a stage or a postprocessor, as its contract and its class say."""

from collections.abc import Mapping

from fedprop.aggregators.base import Aggregator
from fedprop.aggregators.contract import Contract, Region
from fedprop.aggregators.mean import Mean
from fedprop.aggregators.postprocessor import Postprocessor
from fedprop.aggregators.stage import Stage
from fedprop.aggregators.tolerance import tolerated

ROWS = 20
"""Clients for which tolerances are told, as many as the papers' smaller experiments have."""

INVARIANCES = ("permutation", "translation", "scaling", "orthogonal", "idempotent", "separable", "monotone")
"""Claims that are kept or not, in the words of `Contract`."""


def of_rule(rule: Aggregator) -> Mapping[str, str]:
    """What it looks at, asks and needs, what it claims, and what it costs."""
    contract = rule.contract()
    f = tolerated(rule, ROWS)
    return {
        **_of_rows(rule),
        "keeps": _kept(contract),
        "answers": "" if contract.lies_in is Region.ANYWHERE else contract.lies_in.value,
        "tolerates": "" if not f else f"{f} of {ROWS} rows",
        "coefficient": "" if not f or contract.kappa is None else f"{contract.kappa.bound(ROWS, f):.4g}",
        "unattacked": "" if contract.unattacked is None else f"{contract.unattacked(ROWS):.4g}",
        "cost": rule.cost,
    }


def of_stage(stage: Stage) -> Mapping[str, str]:
    """What it looks at, asks and needs, what of a mean's claims it keeps, and what it costs."""
    return {**_of_rows(stage), "keeps": _kept(stage.carry(Mean().contract())), "cost": stage.cost}


def of_postprocessor(after: Postprocessor) -> Mapping[str, str]:
    """What it asks, whether it remembers, and what of a mean's claims it keeps."""
    return {
        "asks": ", ".join(sorted(after.asks)),
        "remembers": "earlier rounds" if after.init() is not None else "",
        "needs rounds": after.needs_rounds,
        "keeps": _kept(after.carry(Mean().contract())),
    }


def _of_rows(part: Aggregator | Stage) -> dict[str, str]:
    return {
        "looks at": part.looks_at,
        "asks": ", ".join(sorted(part.asks)),
        "needs": part.requirement().rstrip(","),
        "remembers": "earlier rounds" if part.remembers else "",
        "needs rounds": part.needs_rounds,
    }


def _kept(contract: Contract) -> str:
    return ", ".join(name for name in INVARIANCES if getattr(contract, name))
