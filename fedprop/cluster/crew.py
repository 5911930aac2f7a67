"""Actors on a Ray cluster that hold the same thing, each for itself, and work side by side; who dies is replaced."""

import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import Any, Generic, TypeVar

from fedprop.cluster.joining import is_at_work, join
from fedprop.cluster.tasks import RETRIES, said
from fedprop.errors import InvalidConfig, RunFailed
from fedprop.failures import blamed
from fedprop.loading import PREFIX

Tool = TypeVar("Tool")
Item = TypeVar("Item")
Result = TypeVar("Result")
Value = TypeVar("Value")

AHEAD = 2
"""Items handed to an actor at a time: it goes on with the second while the first one's result travels."""

PLACING_SECONDS = 300.0
"""How long a crew without work waits for an actor to find a place; a node that is being added takes minutes."""


class Shared(Generic[Value]):
    """A value that goes to each node once, however many items speak of it; arrays that come out must not be changed."""

    def __init__(self, ref: Any) -> None:
        self._ref = ref

    def value(self) -> Value:
        """What was shared."""
        found: Value = import_module("ray").get(self._ref)
        return found


class RayCrew(Generic[Tool]):
    """As `fedprop.cores.Crew`, but actors on a cluster, each with a tool that it makes of what it was sent once."""

    def __init__(self, make: Callable[[], Tool], what: str, *, gpus: int = 0, count: int | None = None) -> None:
        """There are `count` actors, by default one for each processor of the cluster, or for each GPU if they need one.

        The cluster is the one that `fedprop.cluster.joining.join` finds; it stays joined. `what` names what the tool is
        made from. Actors start with the first call of `map`, and end with the crew.

        Raises
        ------
        InvalidConfig
            If there is no Ray, this is itself one of its workers, or what the tool is made from cannot be sent.
        """
        if is_at_work():
            raise InvalidConfig(f"{what} must not be sent to a Ray cluster by what runs there itself")
        self._ray = join()
        _send_texts_of_files(self._ray)
        with blamed(f"{what} must be such that it can be sent to other processes", raising=InvalidConfig):
            self._make = self._ray.put(make)
        resources = self._ray.cluster_resources()
        self.count = count or max(1, int(resources.get("GPU" if gpus else "CPU", 0)))
        self._class = self._ray.remote(num_cpus=1, num_gpus=gpus)(_Actor)
        self._queues: dict[Any, deque[Any]] = {}
        self._starting: dict[Any, Any] = {}
        self._failed_starts = 0

    def share(self, value: Value) -> Shared[Value]:
        """The value, to stand in items."""
        return Shared(self._ray.put(value))

    def map(self, work: Callable[[Tool, Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """`work` of a tool on each item, in the order of the items; it may not matter which tool.

        `work` is a function that the actors can import. What it raises comes out. An item whose actor dies is given to
        another one.

        Raises
        ------
        RunFailed
            If no actor finds a place or can start, or an item kills actor after actor.
        """
        errands = _Errands(list(items))
        try:
            for due in range(errands.count):
                while due not in errands.answers:
                    self._hand_out(work, errands)
                    self._hear(errands)
                yield errands.answers.pop(due)
        finally:  # what is left when the caller stops asking is of no use to anybody
            for queue in self._queues.values():
                queue.clear()

    def _hand_out(self, work: Callable[[Tool, Any], Any], errands: "_Errands") -> None:
        while len(self._queues) + len(self._starting) < self.count:
            actor = self._class.remote(self._make)
            self._starting[actor.ready.remote()] = actor
        while errands.waiting and self._queues:
            actor = min(self._queues, key=lambda each: len(self._queues[each]))
            if len(self._queues[actor]) >= AHEAD:
                break
            number = errands.waiting.popleft()
            ref = actor.do.remote(work, errands.items[number])
            errands.busy[ref] = number, actor
            self._queues[actor].append(ref)

    def _hear(self, errands: "_Errands") -> None:
        """Wait until something has happened, and note what."""
        ready, _ = self._ray.wait([*errands.busy, *self._starting], timeout=PLACING_SECONDS)
        if not ready and not errands.busy:
            raise RunFailed(f"no actor found a place on the Ray cluster within {PLACING_SECONDS:.0f} seconds")
        for ref in ready:
            if ref in self._starting:
                self._started(ref)
            else:
                self._answered(ref, errands)

    def _started(self, ref: Any) -> None:
        actor = self._starting.pop(ref)
        try:
            self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._failed_starts += 1
            if self._failed_starts > RETRIES:
                raise RunFailed(f"actors on the Ray cluster cannot start: {error}") from None
        else:
            self._failed_starts = 0
            self._queues[actor] = deque()

    def _answered(self, ref: Any, errands: "_Errands") -> None:
        if ref not in errands.busy:  # its actor has died, and it has been given to another one
            return
        number, actor = errands.busy[ref]
        try:
            errands.answers[number] = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            self._done(ref, errands)
            raise error.cause from None
        except self._ray.exceptions.RayError as error:
            self._bury(actor, errands, said(error))
        else:
            self._done(ref, errands)

    def _done(self, ref: Any, errands: "_Errands") -> None:
        _, actor = errands.busy.pop(ref)
        self._queues[actor].remove(ref)

    def _bury(self, actor: Any, errands: "_Errands", why: str) -> None:
        """Take back what an actor had not done yet; it died over the first of it."""
        self._ray.kill(actor)  # it may be alive and out of reach
        queue = self._queues.pop(actor)
        while queue and self._came(queue[0], errands):
            queue.popleft()
        numbers = [errands.busy.pop(ref)[0] for ref in queue]
        if not numbers:
            return
        errands.waiting.extendleft(reversed(numbers))
        errands.deaths[numbers[0]] += 1
        if (killed := errands.deaths[numbers[0]]) > RETRIES:
            raise RunFailed(f"{killed} actors on Ray died over the same work: {why}")

    def _came(self, ref: Any, errands: "_Errands") -> bool:
        """Whether an answer came from an actor before it died."""
        try:
            errands.answers[errands.busy[ref][0]] = self._ray.get(ref)
        except self._ray.exceptions.RayError:
            return False
        del errands.busy[ref]
        return True


class _Errands:
    """One call of `map`: what is to be done, who is at it, and what came of it."""

    def __init__(self, items: Sequence[Any]) -> None:
        self.items, self.count = items, len(items)
        self.waiting = deque(range(len(items)))
        self.busy: dict[Any, tuple[int, Any]] = {}
        self.answers: dict[int, Any] = {}
        self.deaths: Counter[int] = Counter()


class _Actor:
    """What runs on the cluster."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._tool = make()

    def ready(self) -> None:
        """Answers when the tool is made."""

    def do(self, work: Callable[[Any, Any], Any], item: Any) -> Any:
        return work(self._tool, item)


def _send_texts_of_files(ray: Any) -> None:
    """Have Ray send classes of files loaded by path as they are: their modules have names in this process only."""
    for name, module in list(sys.modules.items()):
        if name.startswith(PREFIX):
            ray.cloudpickle.register_pickle_by_value(module)
