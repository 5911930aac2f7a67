"""The picture of docs/flower.md: `python docs/flower.py DIR`, where DIR holds the results of a deployment.

    fedprop export-flower sims/flower/experiment10.yaml app
    python -m fedprop.flower.loopback app --out DIR --kill 9:3 --slow 1:40
    python docs/flower.py DIR

Simulations of the same experiment, with and without the attack and the defense, are run for the curves beside the
deployment's; they need the data folder, as the deployment does.
"""

import os
import sys
from pathlib import Path

from fedprop import load_experiment, run
from fedprop.flower.loopback import draw

HERE = Path(__file__).parent
EXPERIMENT = load_experiment(HERE.parent / "sims" / "flower" / "experiment10.yaml")
SIMULATED = {
    "simulated": {},
    "simulated, without attack": {"attack": {"kind": "none"}},
    "simulated, plain mean": {"defense": {"kind": "mean", "weighting": "examples"}},
}


def main(folder: Path) -> None:
    """Draw the deployment's timeline and its accuracy beside that of simulations."""
    curves = {}
    for name, change in SIMULATED.items():
        found = run(EXPERIMENT.but(**change), data_dir=os.environ["FEDPROP_DATA_DIR"])
        curves[name] = [(record.round + 1, record.accuracy) for record in found.rounds]
        print(name, [round(accuracy, 3) for _, accuracy in curves[name]])
    draw(folder, EXPERIMENT, curves)
    (HERE / "images" / "flower_deployment.png").write_bytes((folder / "timeline.png").read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
