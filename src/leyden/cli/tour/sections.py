"""The sections of a tour, in their order. Imports torch."""

from .batch_sections import data_section, transform_section
from .first_step import StepRecorder
from .section import Section
from .step_sections import backward_section, loss_section, network_section, optimizer_section


def heading(step: StepRecorder) -> tuple[str, str]:
    """Title and subtitle."""
    name, seed = step.config["name"], step.config["seed"]
    return f"A tour of {name}", f"The first training batch, step by step, with seed {seed} on {step.device}."


def sections(step: StepRecorder, draws: bool) -> list[Section]:
    """Return the sections of a tour.

    Args:
        step: The recorded step.
        draws: Whether to draw samples.
    """
    layers = step.calls.layers(step.squares)
    trained = [layer for layer in layers if layer.params]
    batch = data_section(step), transform_section(step, draws)
    return [
        *batch,
        network_section(step, layers),
        loss_section(step),
        backward_section(trained),
        optimizer_section(step, trained),
    ]
