"""What every attack owes its threat model, and the limits that it sets itself.

Owed by every attack: one finite row for each compromised client, in the dtype and on the device of the honest ones,
and a number of examples and a delay that can be; the view is left as it was; the view and its generator's seed decide;
a checkpoint holds what is remembered. Under partial knowledge the answer cannot depend on the benign rows (Fang, Cao,
Jia, Gong, USENIX Security 2020, section 2.3), not even through a question to the assumed rule. Poisoned data stay data:
as many examples as before, unless the attack means to change that, with labels that exist. What an attack declares in
`Attack.constraints` is tried too. The assumed rule is the one that the simulator's adversary asks.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from hypothesis import strategies as st

from fedprop.attacks import Attack, Constraint
from fedprop.properties import Finding
from fedprop.verify.attacks import checks
from fedprop.verify.attacks.inputs import (
    Choices,
    Shard,
    Situation,
    large_shards,
    large_situations,
    shards,
    situations,
    variants,
)
from fedprop.verify.hunting.claim import Claim, Few
from fedprop.verify.pages.findings import Counterexample, Status
from fedprop.verify.pages.render import plain
from fedprop.verify.targets.script import literal, obtain

SOURCE = "fedprop.attacks.Attack"
Views: TypeAlias = tuple[st.SearchStrategy[Situation] | Few[Situation], ...]
"""What claims about some attacks are tried on."""

KNOWLEDGE = "Fang, Cao, Jia, Gong, USENIX Security 2020, section 2.3"


def is_attack(obj: Any) -> bool:
    """Whether `obj` is an attack or a class of them."""
    return isinstance(obj, Attack) or (isinstance(obj, type) and issubclass(obj, Attack))


def attack_claims(obj: Any, label: str, settings: Mapping[str, Any]) -> list[Claim[Any]]:
    """Every claim to try about an attack; of a class, each choice that it offers and `settings` leave open.

    Raises
    ------
    InvalidConfig
        If the class cannot be made with `settings`.
    """
    return _Plan(obj, label, settings).claims()


class _Plan:
    """The claims of one attack."""

    def __init__(self, obj: Any, label: str, settings: Mapping[str, Any]) -> None:
        self.obj, self.label, self.settings = obj, label, settings
        self.variants = variants(obj, label, settings)
        self.crafting = [(choices, attack) for choices, attack in self.variants if attack.deviates]
        self.poisoning = [(c, attack) for c, attack in self.variants if attack.poisons]
        self._data = (shards(self.poisoning), Few(large_shards(self.poisoning))) if self.poisoning else ()
        self._shared: dict[tuple[int, ...], Views] = {}

    def claims(self) -> list[Claim[Any]]:
        partial = [variant for variant in self.crafting if variant[1].sees == "partial"]
        full = [variant for variant in self.crafting if variant[1].sees == "full"]
        blind = "the attack sees all benign updates"
        seeing = "the attack sees no benign updates"
        crafted = [
            self._crafting("answers", "Finite views have an answer, and no error.", "safety", checks.answers),
            self._crafting(
                "one row each", "There is one row for each compromised client, like its own.", "safety", checks.shape
            ),
            self._crafting("finite", "Finite views have finite answers.", "safety", checks.finite),
            self._crafting(
                "said", "Each client claims an example or more, and is late by no negative time.", "safety", checks.said
            ),
            self._crafting(
                "memory",
                "What it remembers survives a checkpoint, and the next answer with it.",
                "safety",
                checks.memory,
            ),
            self._crafting("untouched", "The view is left as it was.", "safety", checks.untouched),
            self._crafting(
                "repeatable", "Equal views and seeds have equal answers, to the bit.", "safety", checks.repeatable
            ),
            self._crafting(
                "own randomness",
                "The view's generator is the only source of randomness.",
                "safety",
                checks.own_randomness,
            ),
            self._crafting(
                "partial knowledge",
                "Under partial knowledge neither the answer nor questions to the rule depend on benign updates.",
                "safety",
                checks.partial,
                (partial, blind),
                KNOWLEDGE,
            ),
            *(self._constraint(name) for name in self._constraint_names()),
            self._crafting(
                "order", "The order of the benign updates plays no part.", "tried", checks.order, (full, seeing)
            ),
            self._crafting(
                "nobody benign",
                "There is an answer when no benign client takes part.",
                "tried",
                checks.alone,
                (full, seeing),
            ),
            self._crafting("overflow", "Answers are finite where squares overflow.", "tried", checks.finite, huge=True),
        ]
        return [*crafted, *self._poison_claims()]

    def _poison_claims(self) -> list[Claim[Any]]:
        return [
            self._poisons(
                "poisoned data", "Poisoned data have as many examples, of existing classes.", checks.stays_data
            ),
            self._poisons("data untouched", "A client's own data are left as they were.", checks.data_untouched),
            self._poisons("poison repeatable", "Equal data and seeds are poisoned equally.", checks.poison_repeatable),
        ]

    def _constraint_names(self) -> list[str]:
        return list(dict.fromkeys(c.name for _, attack in self.crafting for c in attack.constraints()))

    def _constraint(self, name: str) -> Claim[Any]:
        def of(attack: Attack) -> Constraint | None:
            return next((c for c in attack.constraints() if c.name == name), None)

        def find(case: Situation) -> Finding | None:
            constraint = of(case.attack)
            crafted = checks.first(case).rows
            told = None if constraint is None else constraint.broken(case.view(), crafted)
            return None if told is None else Finding(crafted, how=f"({told})")

        holding = [variant for variant in self.crafting if of(variant[1]) is not None]
        first = next(c for c in map(of, (attack for _, attack in holding)) if c is not None)
        return self._crafting(name, first.statement, "claimed", find, (holding, ""), first.source)

    def _crafting(
        self,
        name: str,
        statement: str,
        status: Status,
        find: Callable[[Situation], Finding | None],
        among: tuple[list[tuple[Choices, Attack]], str] | None = None,
        source: str = SOURCE,
        *,
        huge: bool = False,
    ) -> Claim[Any]:
        chosen, why = (
            among if among is not None and self.crafting else (self.crafting, "its clients answer as honest ones do")
        )
        return Claim(
            name, statement, source, status, self._views(chosen, huge), find, self._show, "" if chosen else why
        )

    def _views(self, among: list[tuple[Choices, Attack]], huge: bool) -> Views:
        """Claims about the same attacks share their inputs, which saves making them again."""
        key = (*map(id, (attack for _, attack in among)), huge)
        if key not in self._shared:
            large = () if huge else (Few(large_situations(among)),)
            self._shared[key] = (situations(among, huge=huge), *large) if among else ()
        return self._shared[key]

    def _poisons(self, name: str, statement: str, find: Callable[[Shard], Finding | None]) -> Claim[Any]:
        skip = "" if self.poisoning else "it poisons no data"
        return Claim(name, statement, SOURCE, "safety", self._data, find, self._show_shard, skip)

    def _attack_lines(self, choices: Choices) -> list[str]:
        fields = {**self.settings, **choices}
        if isinstance(self.obj, Attack):
            fields = {name: getattr(self.obj, name) for name in self.obj.model_fields_set}
        found, made = obtain(self.obj, self.label, fields)
        return [found, f"attack = {made}"]

    def _show(self, case: Situation, finding: Finding) -> Counterexample:
        found, made = self._attack_lines(case.choices)
        asked = finding.want or "print(attack.answer(view).rows)"
        imports = ["import torch"] + (["from dataclasses import replace"] if "replace(" in asked else [])
        imports.append(f"from fedprop.verify.attacks.inputs import {'crowd, ' if case.made else ''}SERVERS, view_of")
        rows = [f"own, benign = {case.made}"]
        if not case.made:
            rows = [f"own = {literal(case.own + 0.0)}", f"benign = {literal(case.benign + 0.0)}"]
        rows.append(f"origin = {literal(case.origin)}")
        seen = "benign" if case.attack.sees == "full" else "None"
        view = f"view_of(attack, own, {seen}, origin, seed={case.seed}, server=SERVERS[{case.server!r}])"
        views = [f"view = {view}"] + ([f"again = {view}"] if "again" in asked else [])
        return Counterexample(
            title=f"updates of {len(case.own)} compromised clients, then of {len(case.benign)} benign ones",
            rows=tuple(tuple(row) for row in (torch.cat([case.own, case.benign]).double() + 0.0).tolist()),
            byzantine=tuple(range(len(case.own))),
            found=_said(finding, case.choices),
            expected=plain(finding.expected),
            actual=plain(finding.actual),
            code="\n".join([*imports, found, "", made, *rows, *views, asked, f"# {finding}"]),
        )

    def _show_shard(self, shard: Shard, finding: Finding) -> Counterexample:
        found, made = self._attack_lines(shard.choices)
        lines = ["import torch", "from fedprop.verify.attacks.inputs import data_of", found, "", made]
        lines.append(f"x, y = data_of({list(shard.labels)}, {shard.shape})")
        lines.append(f"print(attack.poison(x, y, {shard.classes}, torch.Generator().manual_seed({shard.seed})))")
        told = f"inputs of shape {list(shard.shape)}, {shard.classes} classes"
        return Counterexample(
            title=f"labels of {len(shard.labels)} examples with {told}",
            rows=(tuple(map(float, shard.labels)),),
            found=_said(finding, shard.choices),
            expected=plain(finding.expected),
            actual=plain(finding.actual),
            code="\n".join([*lines, f"# {finding}"]),
        )


def _said(finding: Finding, choices: Choices) -> str:
    made = ", ".join(f"{name}={value!r}" for name, value in choices.items())
    return f"{finding} (with {made})" if made else str(finding)
