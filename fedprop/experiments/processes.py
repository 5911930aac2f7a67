"""Processes that do one job after the other, and tell when one of them dies."""

import gc
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

J = TypeVar("J")
A = TypeVar("A")


class Died(Exception):
    """A process died over its job; the message says how."""


def work(do: Callable[[J], A], jobs: Sequence[J], processes: int) -> Iterator[tuple[int, A | Died]]:
    """Do jobs in so many processes at a time, which start afresh: the number of each job and its answer, as it ends.

    `do` is a function that a new process can import; jobs and answers are plain data. A process that dies is the
    answer to its own job only, and another one takes its place. Ctrl-C does not reach them. All of them end with this
    process, however it ends, and when the caller stops asking.
    """
    waiting = deque(enumerate(jobs))
    idle: list[_Worker[J, A]] = []
    busy: dict[Connection, tuple[int, _Worker[J, A]]] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < processes:
                number, job = waiting.popleft()
                worker = idle.pop() if idle else _Worker(do)
                busy[worker.connection] = number, worker
                worker.give(job)
            ready = set(wait(list(busy)))
            for connection in [line for line in busy if line in ready]:
                number, worker = busy.pop(connection)
                answer = worker.answer()
                if not isinstance(answer, Died):
                    idle.append(worker)
                yield number, answer
    finally:
        for worker in (*idle, *(worker for _, worker in busy.values())):
            worker.end()


class _Worker(Generic[J, A]):
    """One process, and the near end of the line to it."""

    def __init__(self, do: Callable[[J], A]) -> None:
        context = get_context("spawn")
        self.connection, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, do), daemon=True)
        self._process.start()
        there.close()

    def give(self, job: J) -> None:
        """Let it do a job; that it is dead shows when it is asked for the answer."""
        with suppress(BrokenPipeError):
            self.connection.send(job)

    def answer(self) -> A | Died:
        """What the job came to."""
        try:
            answer: A = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            return Died(_epitaph(self._process.exitcode or 0))
        return answer

    def end(self) -> None:
        """End the process, at once."""
        self._process.kill()
        self._process.join()
        self.connection.close()


def _epitaph(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        why = ", perhaps for want of memory: try fewer --jobs" if name == "SIGKILL" else ""
        return f"its process was ended by {name}{why}"
    return f"its process ended itself with exit status {code}"


def _serve(connection: Connection, do: Callable[[J], A]) -> None:
    """A worker's whole life, which ends with that of the process that began it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is up to the process that began it to end the work
    threading.Thread(target=_end_with_parent, daemon=True).start()
    frozen = False
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        connection.send(do(job))
        # What a job leaves in cycles may be large, and Python looks for them by their number. To look is cheap once it
        # need not go through the modules that the first job has imported.
        gc.collect()
        if not frozen:
            gc.freeze()
            frozen = True


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
