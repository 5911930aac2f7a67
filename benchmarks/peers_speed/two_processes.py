"""No library: the plain loop in two processes of one thread each; each takes half of the clients."""

import multiprocessing
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from work import Work, loss, serve, timed, train

PROCESSES = 2


def measure(work: Work) -> tuple[list[float], float]:
    module = work.module()
    state = parameters_to_vector(module.parameters()).detach().share_memory_()
    sums = torch.zeros(PROCESSES, len(state)).share_memory_()
    helpers = [_start(work, index, state, sums[index]) for index in range(PROCESSES)]
    clients = len(work.data()[2])

    def one_round() -> None:
        for _, pipe in helpers:
            pipe.send(True)
        for _, pipe in helpers:
            pipe.recv()
        state.copy_(sums.sum(dim=0) / clients)

    seconds = timed(one_round, work.rounds)
    for process, pipe in helpers:
        pipe.send(False)
        process.join()
    vector_to_parameters(state.clone(), module.parameters())
    return seconds, loss(module, work)


def _start(work: Work, index: int, state: Tensor, total: Tensor) -> tuple[SpawnProcess, Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_helper, args=(work, index, state, total, theirs), daemon=True)
    process.start()
    return process, ours


def _helper(work: Work, index: int, state: Tensor, total: Tensor, pipe: Connection) -> None:
    torch.set_num_threads(1)
    (x, y, parts), module, random = work.tensors(), work.module(), np.random.default_rng(index)
    optimizer = torch.optim.SGD(module.parameters(), lr=work.lr)
    while pipe.recv():
        total.zero_()
        for part in parts[index::PROCESSES]:
            # A copy: the parameters become views of what they are loaded from.
            vector_to_parameters(state.clone(), module.parameters())
            train(module, optimizer, x, y, (part[batch] for batch in work.batches(len(part), random)))
            total += parameters_to_vector(module.parameters()).detach()
        pipe.send(None)


if __name__ == "__main__":
    serve(measure)
