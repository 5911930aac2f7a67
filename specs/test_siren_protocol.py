"""SIREN+ as a protocol: clients, lies and outages on the simulator's clock, over many rounds.

Two classes that a line separates; no training, but models by decree: benign clients end every task at a model that is
right about everything, malicious ones in the rounds in which they attack at a large one that is wrong about everything,
and they report as their attack likes. Everything else is real: messages, tests, alarms, decisions, bans, rollbacks.

**Theorem.** Whatever clients are sampled, crash, drop tasks or come late:

1. the global model is the step of the server's optimizer towards the mean of the used models, from the current global
   model, or in a rollback from the last one that was replaced without a rollback;
2. the malicious index and the bans are what counting the verdicts gives, and a banned client's update is never used;
3. an update is used or refused by a round whose ruling names its client, with the alarm that its client sent;
4. every message that the network doubles is refused, and changes nothing;
5. the same seed gives the same trace, and so does a run that was interrupted.

If besides every client is in every round, so that each has a model of its own to compare with, and malicious clients
attack in every round:

6. updates of attacking clients are used in quiet rounds only, and no two global models in a row are poisoned: what came
   in is taken back one round later.

6 fails if attackers pause: in the round after they poisoned the global model, they send a good update and no alarm.
Then a silent client is as good as the alarming ones, and the server takes the true alarms for false ones, goes on from
the poisoned model, and finds the benign clients malicious.

Source: Guo et al. 2024 (SIREN+), Algorithms 1 and 2, Sections 4.2 to 4.7. For 6 without models, and for how often
poison can come in, see specs/test_siren_rounds.py.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import Log

from fedprop.attacks import Attack, View
from fedprop.data import Dataset
from fedprop.experiments.assembly import resolve
from fedprop.experiments.experiment import Experiment
from fedprop.privacy import Sight
from fedprop.simulation.engine import Outcome, Snapshot, simulate
from fedprop.simulation.events import Event
from fedprop.training.task import LocalResult, Ticket
from fedprop.types import Updates, Vector

CLIENTS, MALICIOUS, ROUNDS = 6, 2, 6
GOOD = 10.0 * torch.tensor([-1.0, -1.0, 1.0, 1.0, 0.0, 0.0])  # two rows of weights, then the biases
BAD = -40.0 * GOOD
LR = 0.5

FEW = max(1, settings.default.max_examples // 6)
"""Whole runs tried by each test: ten in the fast profile, since one takes about half a second."""


def separable() -> Dataset:
    """Two far classes in the plane, four examples for each client and some for the server."""
    y = torch.arange(4 * CLIENTS + 8) % 2
    x = 4.0 * y[:, None] - 2.0 + 0.1 * torch.randn(len(y), 2, generator=torch.Generator().manual_seed(0))
    return Dataset.from_arrays("separable", x, y, x[:8], y[:8])


@dataclass
class Story(Log):
    """A run with models by decree; remembers the global model after each round.

    `plan` says in which rounds the malicious clients, the first ones, attack.
    """

    plan: Sequence[bool] = ()
    models: list[Vector] = field(default_factory=list)
    snapshot_after: int | None = None

    def __post_init__(self) -> None:
        super().__init__(self.snapshot_after)

    def sent(self, client: int, round_: int) -> Vector:
        """The local model of a client in a round."""
        return BAD if client < MALICIOUS and self.plan[round_ % len(self.plan)] else GOOD

    def train(self, tickets: Sequence[Ticket]) -> list[LocalResult]:
        rounds = {event.task: event.round for event in self.events if event.kind == "invited"}
        ends = [self.sent(ticket.client, rounds[ticket.task]) for ticket in tickets]
        return [
            LocalResult(end - t.origin, examples=2, steps=1, loss=0.0) for end, t in zip(ends, tickets, strict=True)
        ]

    def look(self, sight: Sight) -> tuple[()]:
        self.models.append(sight.parameters)
        return ()

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    def play(self, experiment: Experiment, **resume: Any) -> Outcome:
        setup = resolve(experiment, dataset=separable())
        return simulate(replace(setup, probes=(self.look,)), self, train=self.train, **resume)


class Reporters(Attack):
    """Answers as `reports` says; what it sends is decreed already."""

    kind: str = "reporters"

    def craft(self, view: View) -> Updates:
        return view.own


def experiment_of(lie: str = "honest", **settings_: Any) -> Experiment:
    return Experiment.model_validate(
        {
            "rounds": ROUNDS,
            "clients": CLIENTS,
            "model": "logistic_regression",
            "defense": {"kind": "siren_plus", "holdout": 0.5, "penalty": 1, "award": 0.5},
            "root": {"size": 8},
            "attack": Reporters(share=MALICIOUS / CLIENTS, reports=lie),
            "compromised": "first",
            "optimizer": {"kind": "fedavg", "lr": LR},
            **settings_,
        }
    )


lies = st.sampled_from(["honest", "always", "never", "inverted"])
plans = st.lists(st.booleans(), min_size=1, max_size=ROUNDS)
defenses = st.fixed_dictionaries(
    {
        "kind": st.just("siren_plus"),
        "holdout": st.just(0.5),
        "penalty": st.sampled_from([None, 0, 1, {"share_of_rounds": 0.45}]),
        "award": st.sampled_from([None, 0.5, 1.0]),
        "award_to": st.sampled_from(["banned", "all"]),
        "weight_check": st.booleans(),
        "always_compare": st.booleans(),
    }
)
outages = st.fixed_dictionaries(
    {
        "policy": st.fixed_dictionaries(
            {
                "kind": st.just("synchronous"),
                "cohort": st.integers(2, CLIENTS),
                "deadline": st.sampled_from([1.5, 5.0]),
                "min_updates": st.integers(1, 2),
            }
        ),
        "compute": st.sampled_from([{}, {"time": {"kind": "lognormal", "median": 1, "sigma": 1}}]),
        "network": st.fixed_dictionaries(
            {"loss": st.sampled_from([0.0, 0.2]), "duplicate": st.sampled_from([0.0, 0.3]), "reorder": st.just(0.2)}
        ),
        "faults": st.fixed_dictionaries({"dropout": st.sampled_from([0.0, 0.3])}),
        "seed": st.integers(0, 1000),
    }
)
stormy = st.builds(lambda lie, defense, out: experiment_of(lie, defense=defense, **out), lies, defenses, outages)


def expected_models(story: Story, outcome: Outcome, first: Vector) -> list[Vector]:
    """The global models, worked out from who was used in which round, and from where."""
    current = fallback = first
    models = []
    for record in outcome.rounds:
        if not record.failure:
            assert record.ruling is not None
            base = fallback if record.ruling.rollback else current
            mean = torch.stack([story.sent(client, record.round) for client in record.weights]).mean(0)
            fallback = fallback if record.ruling.rollback else current
            current = base + LR * (mean - base)
        models.append(current)
    return models


def initial(experiment: Experiment) -> Vector:
    module = resolve(experiment, dataset=separable()).module
    return torch.cat([p.detach().flatten() for p in module.parameters()])


def counted(outcome: Outcome, experiment: Experiment) -> None:
    """Follow the counts with pencil and paper."""
    defense: Any = experiment.defense
    limit = defense.limit(ROUNDS)
    index: dict[int, float] = {}
    banned: set[int] = set()
    for ruling, weights in ((r.ruling, r.weights) for r in outcome.rounds if r.ruling is not None):
        assert not banned & set(weights)
        for client, verdict in ruling.verdicts.items():
            count = index.get(client, 0.0) + (verdict == "malicious")
            awarded = client in banned or defense.award_to == "all"
            if verdict == "benign" and defense.award is not None and awarded:
                count = max(0.0, count - defense.award)
            index[client] = count
            if limit is not None and count != limit:
                banned = banned | {client} if count > limit else banned - {client}
        assert ruling.suspicion == index
        assert set(ruling.banned) == banned


@given(stormy, plans)
@settings(max_examples=FEW)
def test_models_and_bans_are_what_the_rulings_say(experiment: Experiment, plan: list[bool]) -> None:
    story = Story(plan=plan)
    outcome = story.play(experiment)
    for found, wanted in zip(story.models, expected_models(story, outcome, initial(experiment)), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-3)
    counted(outcome, experiment)


@given(stormy, plans)
@settings(max_examples=FEW)
def test_every_update_is_ruled_on_with_its_alarm(experiment: Experiment, plan: list[bool]) -> None:
    story = Story(plan=plan)
    outcome = story.play(experiment)
    heard = {event.task: bool(event.value) for event in story.of("heard")}
    for record in outcome.rounds:
        accepted = {e.client: heard[e.task] for e in story.of("accepted") if e.round == record.round}
        if record.ruling is None:
            assert record.failure
        else:
            assert record.ruling.reports == accepted
            assert set(record.weights) <= set(accepted)
    assert len(heard) == len(story.of("heard"))
    lied = {e.task: e.value for e in story.of("heard")}
    for event in story.of("began"):
        if event.client >= MALICIOUS and event.task in lied:
            assert lied[event.task] == event.value


@given(lies, defenses, plans)
@settings(max_examples=FEW)
def test_copies_change_nothing(lie: str, defense: dict[str, Any], plan: list[bool]) -> None:
    runs = []
    for duplicate in (0.0, 1.0):
        story = Story(plan=plan)
        outcome = story.play(experiment_of(lie, defense=defense, network={"duplicate": duplicate}))
        runs.append((story.models, [record.ruling for record in outcome.rounds]))
        refused = {event.detail for event in story.of("rejected")}
        assert refused <= ({"report replayed", "duplicate", "round closed"} if duplicate else set())
        assert ("report replayed" in refused) == bool(duplicate)
    assert all(one.equal(other) for one, other in zip(runs[0][0], runs[1][0], strict=True))
    assert runs[0][1] == runs[1][1]


@given(stormy, plans, st.integers(0, ROUNDS - 2))
@settings(max_examples=FEW)
def test_a_run_is_a_function_of_its_seed_and_may_be_interrupted(
    experiment: Experiment, plan: list[bool], after: int
) -> None:
    whole, again = Story(plan=plan), Story(plan=plan, snapshot_after=after)
    outcome, other = whole.play(experiment), again.play(experiment)
    assert outcome.trace_sha256 == other.trace_sha256
    assert again.snapshot is not None
    saved = Snapshot(json.loads(json.dumps(again.snapshot.state)), again.snapshot.tensors)
    rest = Story(plan=plan)
    rest.events = [event for event in whole.events if event.round <= after]
    resumed = rest.play(experiment, resume=saved, earlier=again.earlier)
    assert resumed.trace_sha256 == outcome.trace_sha256
    assert [r.ruling for r in resumed.rounds] == [r.ruling for r in outcome.rounds]


def poisoned(story: Story) -> list[bool]:
    """Whether the global model was wrong, after each round."""
    return [bool((model * GOOD).sum() < 0) for model in story.models]


@given(lies, defenses, st.integers(0, 100))
@settings(max_examples=FEW)
def test_poison_comes_in_quietly_and_is_taken_back(lie: str, defense: dict[str, Any], seed: int) -> None:
    story = Story(plan=[True])
    outcome = story.play(experiment_of(lie, defense=defense, seed=seed))
    wrong = poisoned(story)
    for record, bad in zip(outcome.rounds, wrong, strict=True):
        assert record.ruling is not None
        attacked = bool(set(record.weights) & set(range(MALICIOUS)))
        assert bad == attacked
        assert not attacked or record.ruling.case == "quiet"
        assert not any(record.ruling.verdicts[client] == "malicious" for client in range(MALICIOUS, CLIENTS))
    assert not any(first and second for first, second in pairwise(wrong))


def test_attackers_who_pause_in_silence_turn_the_alarms_against_those_who_raise_them() -> None:
    story = Story(plan=[False, True, False])
    outcome = story.play(experiment_of("never", rounds=3))
    ruling = outcome.rounds[2].ruling
    assert ruling is not None
    assert poisoned(story) == [False, True, True]
    assert (ruling.case, ruling.rollback) == ("false_alarms", False)
    assert ruling.reports == {client: client >= MALICIOUS for client in range(CLIENTS)}
    assert ruling.verdicts == {client: "malicious" if client >= MALICIOUS else "benign" for client in range(CLIENTS)}


def test_attackers_who_give_themselves_away_come_in_once_at_most() -> None:
    """Section 4.5's claim, for attackers who alarm in every round as in the published code: nothing comes in."""
    story = Story(plan=[True])
    story.play(experiment_of("always"))
    assert poisoned(story) == [False] * ROUNDS


def test_a_banned_client_returns_when_it_behaves() -> None:
    story = Story(plan=[True, True, True, True, False, False, False, False, False, False])
    defense = {"kind": "siren_plus", "holdout": 0.5, "penalty": 1, "award": 1.0}
    outcome = story.play(experiment_of("never", defense=defense, rounds=10))
    history = [set(record.ruling.banned) for record in outcome.rounds if record.ruling is not None]
    assert history[3] == set(range(MALICIOUS))
    assert history[-1] == set()
    assert set(outcome.rounds[-1].weights) == set(range(CLIENTS))
