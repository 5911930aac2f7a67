"""fedprop: whole rounds of `fedprop.run`, messages, events and virtual time included."""

from itertools import pairwise

from work import Work, loss, serve

from fedprop import Dataset, Experiment, run
from fedprop.params import ParameterLayout


def measure(work: Work) -> tuple[list[float], float]:
    x, y, parts = work.data()
    order = parts.reshape(-1)
    # A run ends with an evaluation: on one example, so that it costs nothing worth mentioning.
    dataset = Dataset.from_arrays("bench", x[order], y[order], x[:1], y[:1], classes=int(y.max()) + 1)
    experiment = Experiment(
        rounds=work.rounds + 1,
        clients=len(parts),
        training={"lr": work.lr, "batch_size": work.batch, "steps": work.steps, "engine": work.engine},
        evaluate_every=work.rounds + 1,
        device=work.device,
    )
    module = work.module()
    outcome = run(experiment, dataset=dataset, model=module)
    ends = [record.wall_seconds for record in outcome.rounds]
    ParameterLayout.of(module).load(module, outcome.parameters)
    return [end - start for start, end in pairwise(ends)], loss(module, work)


if __name__ == "__main__":
    serve(measure, "fedprop")
