"""`leyden tour`: one batch's way through an experiment, from its files to the step of the optimizer.

`first_step` runs a single training step and records it, with the calls of all `layers`; `sections` puts into words and
tables what was recorded, with the `loss_by_hand` and the `drawings`; `terminal` and `page` show the sections.
"""
