"""Where the numbers of a run may go besides its folder: the trackers that people already use, one in a file."""

from fedprop.registry import Registry
from fedprop.tracking.base import Track, Tracker
from fedprop.tracking.mlflow import MLflow
from fedprop.tracking.tensorboard import TensorBoard
from fedprop.tracking.wandb import WandB

TRACKERS: Registry[Tracker] = Registry("trackers", Tracker, (TensorBoard, MLflow, WandB))
"""Every tracker by its `kind`."""

__all__ = ["TRACKERS", "MLflow", "TensorBoard", "Track", "Tracker", "WandB"]
