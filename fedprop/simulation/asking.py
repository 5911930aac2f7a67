"""Asking a defense or a policy, which may be the user's own: what goes wrong there ends the run in a sentence."""

from collections.abc import Sequence
from typing import Any

import torch

from fedprop.aggregators.base import Aggregation, Aggregator, Cohort
from fedprop.aggregators.tolerance import parts_of
from fedprop.answers import check_answer, described
from fedprop.defenses import Beginning, ClientSide, Replies, RoundProtocol, Screened
from fedprop.errors import InvalidUpdates, WrongAnswer
from fedprop.failures import blamed
from fedprop.simulation.ledger import Accepted
from fedprop.simulation.policies import Policy
from fedprop.types import ClientId, Round, Updates, Vector, Version


def ask(rule: Aggregator, cohort: Cohort, memory: Any, round: Round) -> Aggregation:
    """The rule's answer in this round, with no gradients attached.

    Raises
    ------
    InvalidUpdates
        If the rule declines these updates; that is no mistake of the rule, and the round alone fails.
    RunFailed
        If it raises anything else, or answers with something else than finite numbers of the right shape.
    """
    kinds = " >> ".join(part.kind for part in parts_of(rule))
    with blamed(f"rule {kinds} failed in round {round}", passing=(InvalidUpdates,)):
        value, weights, memory = rule.aggregate(cohort, memory)
        if not torch.isfinite(value).all() or not torch.isfinite(weights).all():
            raise WrongAnswer(
                f"the rule {type(rule).__name__} must answer with finite numbers, "
                "or raise InvalidUpdates to let the round fail; found NaN or infinity"
            )
        return Aggregation(value.detach(), weights.detach(), memory)


def rows_of(policy: Policy, batch: Sequence[Accepted], parameters: Vector, version: Version) -> Updates:
    """The accepted updates as rows [n, d], as the policy discounts them for a server that is at this version.

    Raises
    ------
    RunFailed
        If it raises an error, or answers with something else than a row for each update.
    """
    name, like = f"the policy {type(policy).__name__}", batch[0].update
    with blamed(f"{name} failed at version {version}"):
        found: object = policy.rows(batch, parameters, version)
        shape = (len(batch), *like.shape)
        check_answer(name, "rows", found, shape=shape, dtype=like.dtype, device=like.device)
        return found  # type: ignore[return-value]


def ask_protocol(protocol: RoundProtocol, replies: Replies, memory: Any, round: Round) -> Screened:
    """Whose updates the protocol lets through in this round.

    Raises
    ------
    RunFailed
        If it raises an error, or does not answer for each of the updates.
    """
    name, n = f"the protocol {type(protocol).__name__}", len(replies.clients)
    with blamed(f"protocol {protocol.kind} failed in round {round}"):
        found: object = protocol.screen(replies, memory)
        if not isinstance(found, Screened):
            raise WrongAnswer(f"{name} must answer with Screened(accepted, ruling, memory); found {described(found)}")
        if len(found.accepted) != n:
            raise WrongAnswer(f"{name} must accept or refuse each of {n} updates; found {len(found.accepted)} answers")
        if missing := set(replies.clients) - set(found.ruling.verdicts):
            raise WrongAnswer(f"{name} must have a verdict on each client; found none on client {min(missing)}")
        return found


def ask_client(side: ClientSide, client: ClientId, received: Vector, last: Vector | None, round: Round) -> Beginning:
    """How a client begins its task, as the protocol has it.

    Raises
    ------
    RunFailed
        If the client's side of the protocol raises an error, or answers with no model like the one received.
    """
    name = f"the client's side {type(side).__name__}"
    with blamed(f"{name} failed in round {round}"):
        found: object = side.begin(client, received, last)
        if not isinstance(found, Beginning):
            raise WrongAnswer(f"{name} must answer with Beginning(start, alarm, detail); found {described(found)}")
        shape, dtype, device = tuple(received.shape), received.dtype, received.device
        check_answer(name, "a start", found.start, shape=shape, dtype=dtype, device=device)
        return found
