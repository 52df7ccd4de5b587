"""Arguments of Lightning's Trainer that a configuration may not set, since the worker gives them or nothing would follow."""

# Name -> what to use instead: the rest of a sentence that begins with the setting's name.
REFUSED = {
    "logger": "is given by the run, which always writes metrics.csv; choose more with logger=wandb or logger.NAME={_target_: ...}",
    "callbacks": "is given by the run; use callbacks.NAME={_target_: ...}",
    "plugins": "is given by the run; checkpoints are written as checkpoint={_target_: ...} says, and clusters are recognised",
    "default_root_dir": "is the run directory; choose another folder for all runs with runs=FOLDER",
    "enable_progress_bar": "is decided by the run: a bar is drawn where there is a terminal",
    "enable_model_summary": "is off; use callbacks.summary={_target_: lightning.pytorch.callbacks.RichModelSummary}",
    "use_distributed_sampler": "is off: the data module divides the batches among the ranks itself",
    "barebones": "does not work: a run needs its checkpoints and logs; trainer=debug is a short one",
    "enable_checkpointing": "does not work: a run is tested and resumed from its checkpoints; callbacks.best and callbacks.last say when they are saved",
    "limit_predict_batches": "does not work: predict writes a line for each input; give it fewer",
    "model_registry": "does not work: nothing is uploaded; the checkpoints are in the run directory",
}
# What may be set all the same, beside null.
HARMLESS = {
    "barebones": False,
    "enable_checkpointing": True,
    "enable_model_summary": False,
    "use_distributed_sampler": False,
}
