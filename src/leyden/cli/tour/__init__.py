"""`leyden tour`: follow one batch through an experiment, from its files to the optimizer step.

`first_step` runs a single training step and records it, with the calls of all `layers`; `sections` describes
the record in text and tables, with the `loss_by_hand` and the `drawings`; `terminal` and `page` show the sections.
"""
