"""Experiment trackers: TensorBoard, Weights & Biases, MLflow and Trackio, each behind the extra of its name."""

from nevoa.trackers.services import Tracker, trackers_of
from nevoa.trackers.tracked import tracked

__all__ = ["Tracker", "tracked", "trackers_of"]
