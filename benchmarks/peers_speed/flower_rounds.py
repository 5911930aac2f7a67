"""Flower: a ServerApp with FedAvg and a ClientApp, under its simulation engine on Ray with one CPU to each client.

Each client process keeps the data and the model from its first task on; a task gets the parameters and its partition,
trains, and sends the parameters back. Rounds are timed on the server, from one aggregation's end to the next.
"""

import time
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation
from work import Work, loss, serve, train


def measure(work: Work) -> tuple[list[float], float]:
    clients, ends, final = len(work.data()[2]), [], work.module()
    server, app = ServerApp(), ClientApp()

    def end_of_round(number: int, arrays: ArrayRecord) -> None:
        ends.append(time.perf_counter())

    @server.main()
    def main(grid: Grid, context: Context) -> None:
        strategy = FedAvg(fraction_train=1.0, fraction_evaluate=0.0, min_train_nodes=clients)
        start = ArrayRecord(work.module().state_dict())
        result = strategy.start(grid, start, num_rounds=work.rounds + 1, evaluate_fn=end_of_round)
        final.load_state_dict(result.arrays.to_torch_state_dict())

    @app.train()
    def fit(message: Message, context: Context) -> Message:
        return _fit(work, message, context)

    run_simulation(server, app, clients, backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}})
    # The first end is that of the start, before any round; the second that of the round which is not counted.
    return [end - start for start, end in pairwise(ends[1:])], loss(final, work)


def _fit(work: Work, message: Message, context: Context) -> Message:
    module, x, y, parts = _kept(work)
    module.load_state_dict(message.content["arrays"].to_torch_state_dict())
    part = parts[int(context.node_config["partition-id"])]
    batches = work.batches(len(part), np.random.default_rng())
    train(module, torch.optim.SGD(module.parameters(), lr=work.lr), x, y, (part[batch] for batch in batches))
    reply = RecordDict(
        {"arrays": ArrayRecord(module.state_dict()), "metrics": MetricRecord({"num-examples": len(part)})}
    )
    return Message(content=reply, reply_to=message)


@cache
def _kept(work: Work) -> tuple[Any, Any, Any, Any]:
    torch.set_num_threads(1)
    return (work.module(), *work.tensors())


if __name__ == "__main__":
    # Its functions travel to Ray's processes by name, which must be that of a module and not __main__.
    import flower_rounds

    serve(flower_rounds.measure, "flwr")
