"""No library: one reused module, one client after the other, and the mean of what they reach."""

import numpy as np
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from work import Work, loss, serve, timed, train


def measure(work: Work) -> tuple[list[float], float]:
    (x, y, parts), module, random = work.tensors(), work.module(), np.random.default_rng(0)
    optimizer = torch.optim.SGD(module.parameters(), lr=work.lr)
    state = parameters_to_vector(module.parameters()).detach().clone()
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}

    def one_round() -> None:
        total = torch.zeros_like(state)
        for part in parts:
            # A copy: the parameters become views of what they are loaded from.
            vector_to_parameters(state.clone(), module.parameters())
            for name, buffer in module.named_buffers():
                buffer.copy_(buffers[name])
            train(module, optimizer, x, y, (part[batch] for batch in work.batches(len(part), random)))
            total += parameters_to_vector(module.parameters()).detach()
        state.copy_(total / len(parts))

    settle = torch.cuda.synchronize if work.device == "cuda" else lambda: None
    seconds = timed(one_round, work.rounds, settle)
    vector_to_parameters(state.clone(), module.parameters())
    return seconds, loss(module, work)


if __name__ == "__main__":
    serve(measure)
