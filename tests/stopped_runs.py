"""Whole runs, left alone or stopped after a step and resumed, and what their weights are in the end."""

import pytest
import torch
from lightning.pytorch import Callback

from leyden.errors import Stop, Stopped
from leyden.run.worker import Worker


class StopAt(Callback):
    """Has a run stop after so many steps, as a preemption has."""

    def __init__(self, stop, step):
        self.stop, self.step = stop, step

    def on_train_batch_end(self, trainer, *arguments):
        if trainer.global_step == self.step:
            self.stop.requested = Stop.PREEMPTED


def weights(run, stop_at=None):
    """All weights at the end of the run, as one vector, and its test metrics."""
    worker = Worker(run, trains=True)
    if stop_at:
        worker.trainer.callbacks.insert(0, StopAt(worker.stop, stop_at))
        with pytest.raises(Stopped):
            worker.fit()
        worker = Worker(run, trains=True)
    results = worker.fit()
    return torch.cat([tensor.flatten().double() for tensor in worker.model.state_dict().values()]), results
