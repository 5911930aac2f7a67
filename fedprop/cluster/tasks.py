"""Jobs done by tasks on a Ray cluster, and begun anew where one dies."""

import gc
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from fedprop.cluster.joining import Ray
from fedprop.failures import in_words

J = TypeVar("J")
A = TypeVar("A")

RETRIES = 3
"""How often a job is begun anew after its worker or node has died: a job that kills four is itself the cause."""

AHEAD = 2
"""Jobs handed over per processor of the cluster, so that none waits for the next, and a cluster that can grow does."""


class Lost(Exception):
    """A job came to nothing on the cluster; the message says why."""


def work(
    ray: Ray,
    do: Callable[[J], A],
    jobs: Sequence[J],
    *,
    most: int | None = None,
    gpus: Callable[[J], int] = lambda job: 0,
) -> Iterator[tuple[int, A | Lost]]:
    """Do jobs on a cluster that is joined: the number of each job and its answer, as it ends.

    `do` is a function that the workers can import; jobs and answers are plain data. Each job takes one processor and as
    many `gpus` as it needs. Where a worker or a node dies, its job is begun anew elsewhere, up to `RETRIES` times. At
    `most` so many jobs are under way at a time. All of them end when the caller stops asking.
    """
    task = ray.remote(num_cpus=1, max_retries=0)(_done)
    waiting, deaths = deque(range(len(jobs))), Counter[int]()
    busy: dict[object, int] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < (most or AHEAD * _processors(ray)):
                number = waiting.popleft()
                needed = gpus(jobs[number])
                if needed and not ray.cluster_resources().get("GPU"):
                    yield number, Lost("it needs a GPU, and the Ray cluster has none")
                else:
                    busy[task.options(num_gpus=needed).remote(do, jobs[number])] = number
            for ref in ray.wait(list(busy))[0] if busy else ():
                number = busy.pop(ref)
                try:
                    yield number, ray.get(ref)
                except ray.exceptions.RayTaskError as error:
                    yield number, Lost(in_words(error.cause))
                except ray.exceptions.RayError as error:
                    deaths[number] += 1
                    if deaths[number] > RETRIES:
                        yield number, Lost(f"its worker or node on Ray died {deaths[number]} times: {said(error)}")
                    else:
                        waiting.appendleft(number)
    finally:
        for ref in busy:
            ray.cancel(ref, force=True)


def _done(do: Callable[[J], A], job: J) -> A:
    """What a task does."""
    try:
        return do(job)
    finally:
        gc.collect()  # a worker does many jobs, and what one leaves in cycles may be large


def _processors(ray: Ray) -> int:
    """How many the cluster has now; nodes come and go."""
    return max(1, int(ray.cluster_resources().get("CPU", 0)))


def said(error: Exception) -> str:
    """The first sentence of an error of Ray's, whose hints go on for a page."""
    return f"{type(error).__name__}: {str(error).partition('.')[0].partition(chr(10))[0]}"
