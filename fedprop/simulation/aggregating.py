"""From the updates of a round to the next global model: which are used, what a rule makes of them, and the step."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from fedprop.aggregators.base import Aggregation
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.mean import Mean
from fedprop.defenses import Lineage, Ruling, rebase
from fedprop.errors import InvalidUpdates
from fedprop.params import ParameterLayout
from fedprop.rng import generator
from fedprop.simulation.asking import ask, ask_after, ask_judged, rows_of
from fedprop.simulation.ledger import Accepted
from fedprop.simulation.root import RootView
from fedprop.simulation.screening import screen, tell
from fedprop.simulation.setup import Setup
from fedprop.simulation.state import ServerState
from fedprop.simulation.stepping import Basis, ServerStep
from fedprop.simulation.transport import Emit
from fedprop.types import ClientId, Vector


class Aggregating:
    """The server's work once a round has its updates; what it changes stands in the state that it is handed.

    Attributes
    ----------
    fixed : [d], True for parameters that are frozen, which no step moves.
    """

    def __init__(self, setup: Setup, layout: ParameterLayout, emit: Emit) -> None:
        trainable, self.fixed = (mask.to(setup.device) for mask in (layout.trainable, layout.fixed))
        self._setup = setup
        self._layout = layout
        self._emit = emit
        self._variances = layout.variances.to(setup.device) if setup.variance_guard else None
        self._walk = ServerStep(setup.optimizer, trainable, fixed=self.fixed)
        self._root = setup.root_bench()
        self._classifying = setup.classifying()

    def begin(self) -> Basis:
        """The first global model, and what the optimizer remembers of it."""
        return self._walk.begin(self._layout.flatten(self._setup.module).to(self._setup.device))

    def screen(self, state: ServerState, batch: Sequence[Accepted]) -> tuple[Sequence[Accepted], Ruling | None]:
        """The updates that a protocol lets through, all of them if there is none, and what it says."""
        setup = self._setup
        protocol = setup.defending("screen", state.round)
        if protocol is None:
            return batch, None
        used, ruling, state.protocol = screen(
            protocol,
            batch,
            state.protocol,
            server=self._root_view(state),
            round=state.round,
            rounds=setup.rounds,
            emit=self._emit,
        )
        return used, ruling

    def step(
        self, state: ServerState, batch: Sequence[Accepted], *, rollback: bool
    ) -> tuple[dict[ClientId, float], Ruling | None]:
        """Make the next global model of these updates, all of it or nothing.

        Returns the weight of each client in it, and what a protocol found out as it aggregated, if anything.

        Raises
        ------
        InvalidUpdates
            If there are none, or the rule declines them.
        """
        setup = self._setup
        if not batch:
            accepted = " that the defense accepts" if setup.has("screen") else ""
            raise InvalidUpdates(f"a round must have an update{accepted}; found none")
        base = state.fallback or state.basis if rollback else state.basis
        lengths = torch.tensor(self._lengths(batch), dtype=self._layout.dtype).to(setup.device)
        rows = rows_of(setup.policy, batch, state.parameters, state.version)
        rows = rebase(rows, state.parameters, base.parameters) if rollback else rows
        rows = self._walk.prepare(rows, lengths)
        cohort = Cohort(
            rows,
            clients=tuple(a.client for a in batch),
            examples=tuple(a.examples for a in batch),
            staleness=tuple(state.version - a.version for a in batch),
            server=self._root_view(state),
            **self._told(state, base),
        )
        answer, ruling = self._combined(state, cohort)
        self._move(state, answer, lengths, base, rollback=rollback)
        weights: dict[ClientId, float] = {}
        for client, weight in zip(cohort.clients, answer.weights.tolist(), strict=True):
            weights[client] = weights.get(client, 0.0) + weight
        if ruling is not None:
            tell(ruling, batch, (answer.weights != 0).tolist(), self._emit)
        return weights, ruling

    def _lengths(self, batch: Sequence[Accepted]) -> list[float]:
        """How far the local steps of each update go, by the settings of training."""
        tasks = [(a.steps, a.round) for a in batch]
        known = {task: self._setup.training.length(*task) for task in set(tasks)}
        return [known[task] for task in tasks]

    def _root_view(self, state: ServerState) -> RootView | None:
        """What the server's own examples tell about this round, if it has any."""
        return None if self._root is None else self._root.at(state.parameters, state.round)

    def _told(self, state: ServerState, base: Basis) -> dict[str, Any]:
        """What the rule asks for beside the rows, which are relative to the model of `base`."""
        setup = self._setup
        known: dict[str, Callable[[], Any]] = {
            "model": lambda: base.parameters,
            "round": lambda: state.round,
            "generator": lambda: generator(setup.seed, setup.draws, state.round),
        }
        if (classifying := self._classifying) is not None:
            known["classifier"] = lambda: classifying.at(base.parameters)
        wanted = known if setup.defending("aggregate", state.round) is not None else setup.rule.asks
        return {name: tell() for name, tell in known.items() if name in wanted}

    def _combined(self, state: ServerState, cohort: Cohort) -> tuple[Aggregation, Ruling | None]:
        """The aggregate, by the rule or by a protocol that asks it, and what that found out, if anything."""
        setup = self._setup
        rule = setup.rule if state.round >= setup.defense_from else Mean()
        protocol = setup.defending("aggregate", state.round)
        if protocol is None:
            return ask(rule, cohort, state.memory, state.round), None
        asked = partial(ask, rule, memory=state.memory, round=state.round)
        return ask_judged(protocol, cohort, state.protocol, state.round, asked)

    def _move(
        self, state: ServerState, answer: Aggregation, lengths: torch.Tensor, base: Basis, *, rollback: bool
    ) -> None:
        """Take the server's step from `base`."""
        reached = self._walk.take(base, answer, lengths)
        if (protocol := self._setup.defending("after", state.round)) is not None:
            draw = generator(self._setup.seed, "after", state.round)
            left = ask_after(protocol, reached.parameters, state.protocol, round=state.round, generator=draw)
            reached = reached._replace(parameters=torch.where(self.fixed, reached.parameters, left))
        reached = reached._replace(parameters=self._guarded(reached.parameters, base.parameters))
        if self._setup.has("screen"):
            line = Lineage(state.basis, state.fallback or state.basis)
            state.fallback = line.then(reached, rolled_back=rollback).fallback
        state.parameters, state.optimizer = reached
        state.memory = answer.state
        state.version += 1

    def _guarded(self, reached: Vector, before: Vector) -> Vector:
        """The model [d] with its running variances kept where they would be below zero, if the server guards them."""
        return reached if self._variances is None else torch.where(self._variances & (reached < 0), before, reached)
