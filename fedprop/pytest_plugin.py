"""The pytest plugin: `pytest --fedprop TARGET` collects one test for each claim of a target.

`TARGET` and `--fedprop-as NAME`, the built-in rule that it should equal, are written as for `fedprop verify`. Inside a
test of one's own, `fedprop.verify.assert_contract(rule)` does the same in one call.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--fedprop`, `--fedprop-as` and `--fedprop-examples`."""
    group = parser.getgroup("fedprop", "property-test defenses")
    group.addoption("--fedprop", action="append", default=[], metavar="TARGET", help="file.py:name or module:name")
    group.addoption("--fedprop-as", metavar="NAME", help="the rule they should equal: krum, {kind: ...}")
    group.addoption("--fedprop-examples", type=int, default=200, metavar="N", help="inputs for each claim")


def pytest_collection(session: pytest.Session) -> None:
    """Without paths of their own, targets are all there is to collect."""
    if session.config.getoption("--fedprop") and session.config.args_source is not pytest.Config.ArgsSource.ARGS:
        session.config.args = []


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Put the claims of the targets behind whatever else was collected."""
    for target in session.config.getoption("--fedprop"):
        items += Target.from_parent(session, name=target, path=Path(target.rpartition(":")[0])).collect()


class Target(pytest.Collector):
    """All claims of one target."""

    def collect(self) -> Iterator[pytest.Item]:
        from fedprop.errors import InvalidConfig
        from fedprop.verify.command import claims_of
        from fedprop.verify.options import built_in

        against = self.config.getoption("--fedprop-as")
        try:
            claims = claims_of(self.name, as_=None if against is None else built_in("--fedprop-as", against))
        except InvalidConfig as error:
            raise pytest.UsageError(str(error)) from None
        for claim in claims:
            yield Claimed.from_parent(self, name=claim.name, claim=claim)


class Claimed(pytest.Item):
    """One claim, tried on generated inputs; what nobody claimed is expected to fail where it does."""

    def __init__(self, *, claim: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.claim = claim

    def runtest(self) -> None:
        from fedprop.verify.hunting.hunt import Effort, hunt
        from fedprop.verify.pages.render import described

        outcome = hunt(self.claim, Effort(self.config.getoption("--fedprop-examples"), 0), target=self.nodeid)
        if outcome.verdict == "skipped":
            pytest.skip(outcome.why)
        if outcome.verdict == "broken":
            if not outcome.fails:
                pytest.xfail(f"not claimed: {outcome.statement}")
            raise Broken(described(outcome))
        if outcome.fails:
            raise Broken(f"{described(outcome)}\n  {outcome.verdict}: {outcome.examples} answers; {outcome.why}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The counterexample instead of a traceback."""
        return str(excinfo.value) if isinstance(excinfo.value, Broken) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """How pytest names the claim."""
        return self.path, None, f"{self.parent.name if self.parent else ''}: {self.name}"


class Broken(AssertionError):
    """A claim that does not hold, with its counterexample."""
