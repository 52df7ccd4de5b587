"""Options that a command does not have: the option or the setting that was probably meant."""

from contextlib import suppress
from difflib import get_close_matches

from ..errors import UserError
from .arguments import COMMANDS


def unknown_option_hint(verb: str, overrides: list[str], unknown: list[str]) -> str:
    """Return the end of an error message, empty if nothing is similar.

    Args:
        verb: The command.
        overrides: The experiment and settings that it was given.
        unknown: The words that it does not know, such as `--sead 3`; the first is an option.
    """
    name, equals, value = unknown[0].lstrip("-").partition("=")
    if not equals and unknown[1:] and not unknown[1].startswith("-"):
        value = unknown[1]
    arguments = [argument for argument, _ in next(found for command, _, found in COMMANDS if command == verb)]
    meant = {option[2:]: option for option in (*arguments, "--json", "--help") if option.startswith("--")}
    settings = _settings(overrides) if "overrides" in arguments else {}
    near = get_close_matches(name, [*meant, *settings, *(key.replace("_", "-") for key in settings)], n=1, cutoff=0.7)
    if not near:
        return ""
    if near[0] in meant:
        return f"; did you mean {meant[near[0]]}?"
    setting = settings[near[0].replace("-", "_")]
    return f"; settings have no dashes: did you mean {setting}={value or 'VALUE'}?"


def _settings(overrides: list[str]) -> dict[str, str]:
    """Return the settings of an experiment by dotted name and by its last part, of which the first counts."""
    from ..config.compose import compose, project_root
    from ..study.records import flat

    names: list[str] = []
    with suppress(UserError):  # such as without an experiment
        names = [name for name, _ in flat(compose(overrides, project_root()).config)]
    return {name.rpartition(".")[2]: name for name in reversed(names)} | {name: name for name in names}
