"""Arguments of Lightning's Trainer that a configuration cannot set, because the worker sets them or they have no effect."""

# Name -> the rest of a sentence that begins with the setting's name.
REFUSED = {
    "logger": "is set by the run, which always writes metrics.csv; add loggers with logger=wandb or logger.NAME={_target_: ...}",
    "callbacks": "is set by the run; use callbacks.NAME={_target_: ...}",
    "plugins": "is set by the run; configure checkpoints with checkpoint={_target_: ...}; clusters are detected",
    "default_root_dir": "is the run directory; choose another folder for all runs with runs=FOLDER",
    "enable_progress_bar": "is set by the run: the progress bar is enabled on a terminal",
    "enable_model_summary": "is off; use callbacks.summary={_target_: lightning.pytorch.callbacks.RichModelSummary}",
    "use_distributed_sampler": "is off: the data module divides the batches among the ranks itself",
    "barebones": "does not work: a run needs its checkpoints and logs; trainer=debug is a short one",
    "enable_checkpointing": "does not work: a run is tested and resumed from its checkpoints; configure them with callbacks.best and callbacks.last",
    "limit_predict_batches": "does not work: predict writes a line for each input; pass fewer inputs",
    "model_registry": "does not work: nothing is uploaded; the checkpoints are in the run directory",
}
# Values that are allowed besides null, because they are those of the worker.
HARMLESS = {
    "barebones": False,
    "enable_checkpointing": True,
    "enable_model_summary": False,
    "use_distributed_sampler": False,
}
