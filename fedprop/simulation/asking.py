"""Asking a defense or a policy, which may be the user's own.

What goes wrong there ends the run in a sentence, and models that others hold too are handed over as copies.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.tolerance import parts_of
from fedprop.answers import check_answer, described
from fedprop.data.base import Examples
from fedprop.defenses import Beginning, Judged, LocalTest, Replies, RoundProtocol, Ruling, Screened, Step
from fedprop.errors import InvalidConfig, InvalidUpdates, WrongAnswer
from fedprop.failures import blamed
from fedprop.messages import Draft
from fedprop.settings import shown
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


def ask_extra_examples(protocol: RoundProtocol, x: Tensor, classes: int, generator: torch.Generator) -> Examples | None:
    """What the protocol hands out to all clients, given inputs x [n, ...] to be like and how many classes these have.

    Raises
    ------
    InvalidConfig
        If it raises an error, or answers with something else than such inputs, one at least, and labels that it has.
    """
    name, answers = f"{type(protocol).__name__}.extra_examples", classes + protocol.extra_classes
    with blamed(f"`defense`: {name} failed", raising=InvalidConfig, passing=(InvalidConfig,)):
        found: object = protocol.extra_examples(x, classes, generator=generator)
    if found is None:
        return None
    if not (isinstance(found, tuple) and len(found) == 2 and all(isinstance(part, Tensor) for part in found)):
        raise InvalidConfig(f"{name} must answer with inputs and labels, two tensors; found {described(found)}")
    inputs, labels = found
    wanted = f"inputs {['k', *x.shape[1:]]} of {x.dtype}, finite and at least one"
    if inputs.shape[1:] != x.shape[1:] or inputs.dtype != x.dtype or not len(inputs) or not inputs.isfinite().all():
        raise InvalidConfig(f"{name} must answer with {wanted}; found {list(inputs.shape)} of {inputs.dtype}")
    known = labels.dtype == torch.int64 and labels.shape == inputs.shape[:1]
    if not known or int(labels.min()) < 0 or int(labels.max()) >= answers:
        wanted = f"a label for each input, int64 in 0 ... {answers - 1}"
        raise InvalidConfig(f"{name} must answer with {wanted}; found {shown(labels.tolist())} of {labels.dtype}")
    return Examples(inputs.to(x.device), labels.to(x.device))


def ask_select(
    protocol: RoundProtocol,
    available: Sequence[ClientId],
    wanted: int,
    memory: Any,
    *,
    round: Round,
    generator: torch.Generator,
) -> list[ClientId]:
    """Whom the protocol invites, in order of their ids.

    Raises
    ------
    RunFailed
        If it raises an error, or invites nobody, more than `wanted`, somebody twice or somebody who is not available.
    """
    with _asking(protocol, "select", round) as name:
        found: object = protocol.select(available, wanted, memory, round=round, generator=generator)
        if not (isinstance(found, Sequence) and all(isinstance(client, int) for client in found)):
            raise WrongAnswer(f"{name} must answer with clients; found {described(found)}")
        if not 1 <= len(found) <= wanted:
            raise WrongAnswer(f"{name} must invite from 1 to {wanted} clients; found {len(found)}")
        if strangers := set(found) - set(available):
            raise WrongAnswer(f"{name} must invite clients that are available; found client {min(strangers)}")
        if len(set(found)) < len(found):
            raise WrongAnswer(f"{name} must invite each client once at most; found {shown(list(found))}")
        return sorted(found)


def ask_invite(
    protocol: RoundProtocol,
    client: ClientId,
    parameters: Vector,
    memory: Any,
    *,
    round: Round,
    generator: torch.Generator,
) -> Vector:
    """What a client is sent in place of the global model. Raises as `ask_after` does."""
    with _asking(protocol, "invite", round) as name:
        found = protocol.invite(client, parameters.clone(), memory, generator=generator)
        return _finite(name, "a model", found, parameters)


def ask_beginning(
    protocol: RoundProtocol, client: ClientId, received: Vector, last: Vector | None, test: LocalTest, round: Round
) -> Beginning:
    """How a client begins its task, as the protocol has it.

    Raises
    ------
    RunFailed
        If the protocol raises an error, or answers with no model like the one received, or with reports that it did
        not declare.
    """
    with _asking(protocol, "begin", round) as name:
        found: object = protocol.begin(client, received.clone(), last, test=test)
        if not isinstance(found, Beginning):
            raise WrongAnswer(f"{name} must answer with Beginning(start, reports, detail); found {described(found)}")
        _like(name, "a start", found.start, received)
        _check_reports(name, found.reports, protocol)
        return found


def ask_finish(protocol: RoundProtocol, client: ClientId, received: Vector, update: Vector, round: Round) -> Vector:
    """What a client sends of what it learnt.

    Raises
    ------
    RunFailed
        If the protocol raises an error, or answers with something else than a vector like the update.
    """
    with _asking(protocol, "finish", round) as name:
        return _like(name, "an update", protocol.finish(client, received.clone(), update.clone()), update)


def ask_report(
    protocol: RoundProtocol, client: ClientId, received: Vector, update: Vector, round: Round
) -> tuple[Draft, ...]:
    """What a client says of what it sends. Raises RunFailed if these are no reports that the protocol declared."""
    with _asking(protocol, "report", round) as name:
        found = protocol.report(client, received.clone(), update.clone())
        _check_reports(name, found, protocol)
        return found


def ask_screen(protocol: RoundProtocol, replies: Replies, memory: Any) -> Screened:
    """Whose updates the protocol lets through in this round.

    Raises
    ------
    RunFailed
        If it raises an error, or does not answer for each of the updates.
    """
    n = len(replies.clients)
    with _asking(protocol, "screen", replies.round) as name:
        found: object = protocol.screen(replies, memory)
        if not isinstance(found, Screened):
            raise WrongAnswer(f"{name} must answer with Screened(accepted, ruling, memory); found {described(found)}")
        if len(found.accepted) != n:
            raise WrongAnswer(f"{name} must accept or refuse each of {n} updates; found {len(found.accepted)} answers")
        _check_verdicts(name, replies.clients, found.ruling)
        return found


def ask_aggregate(
    protocol: RoundProtocol, cohort: Cohort, memory: Any, round: Round, rule: Callable[[Cohort], Aggregation]
) -> Aggregation:
    """What the protocol makes of the updates that it accepted, for whoever wants no ruling; as `ask_judged`."""
    return ask_judged(protocol, cohort, memory, round, rule)[0]


def ask_judged(
    protocol: RoundProtocol, cohort: Cohort, memory: Any, round: Round, rule: Callable[[Cohort], Aggregation]
) -> tuple[Aggregation, Ruling | None]:
    """What the protocol makes of the updates that it accepted, and what it found out as it did, if anything.

    Raises
    ------
    InvalidUpdates
        If it, or its rule, declines these updates.
    RunFailed
        If it raises anything else, or answers with something else than finite numbers of the right shape, or with a
        ruling that lacks a verdict or rolls back.
    """
    with _asking(protocol, "aggregate", round, passing=(InvalidUpdates,)) as name:
        answer: object = protocol.aggregate(cohort, memory, rule=rule)
        found, ruling = answer if isinstance(answer, Judged) else (answer, None)
        if not isinstance(found, Aggregation):
            raise WrongAnswer(f"{name} must answer with Aggregation(value, weights, state); found {described(answer)}")
        n, d = cohort.updates.shape
        like = cohort.model
        _finite(name, "a value", found.value, like.new_empty(d))
        _finite(name, "weights", found.weights, like.new_empty(n))
        if ruling is not None:
            _check_verdicts(name, cohort.clients, ruling)
            if ruling.rollback:
                raise WrongAnswer(f"{name} must not roll back, which `screen` alone can; found a ruling that does")
        return Aggregation(found.value.detach(), found.weights.detach(), found.state), ruling


def ask_after(
    protocol: RoundProtocol, parameters: Vector, memory: Any, *, round: Round, generator: torch.Generator
) -> Vector:
    """The global model that the round leaves.

    Raises
    ------
    RunFailed
        If the protocol raises an error, or answers with something else than finite numbers, as many as before.
    """
    with _asking(protocol, "after", round) as name:
        found = protocol.after(parameters.clone(), memory, round=round, generator=generator)
        return _finite(name, "a model", found, parameters)


@contextmanager
def _asking(
    protocol: RoundProtocol, step: Step, round: Round, passing: tuple[type[Exception], ...] = ()
) -> Iterator[str]:
    """What goes wrong in here ends the run, and says where; gives the name of who is asked."""
    with blamed(f"protocol {protocol.kind} failed in `{step}` in round {round}", passing=passing):
        yield f"{type(protocol).__name__}.{step}"


def _like(name: str, part: str, found: Any, like: Tensor) -> Vector:
    check_answer(name, part, found, shape=tuple(like.shape), dtype=like.dtype, device=like.device)
    return found.detach()  # type: ignore[no-any-return]


def _finite(name: str, part: str, found: Any, like: Tensor) -> Vector:
    answer = _like(name, part, found, like)
    if not bool(torch.isfinite(answer).all()):
        raise WrongAnswer(f"{name} must answer with {part} of finite numbers; found NaN or infinity")
    return answer


def _check_verdicts(name: str, clients: Sequence[ClientId], ruling: Ruling) -> None:
    if missing := set(clients) - set(ruling.verdicts):
        raise WrongAnswer(f"{name} must have a verdict on each client; found none on client {min(missing)}")


def _check_reports(name: str, found: Any, protocol: RoundProtocol) -> None:
    if not (isinstance(found, tuple) and all(isinstance(draft, Draft) for draft in found)):
        raise WrongAnswer(f"{name} must answer with a tuple of drafts of reports; found {described(found)}")
    for draft in found:
        if draft.kind not in protocol.reports:
            declared = [kind.__name__ for kind in protocol.reports]
            raise WrongAnswer(
                f"{name} must make reports of the declared kinds, {declared}; found {draft.kind.__name__}"
            )
