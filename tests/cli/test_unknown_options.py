"""Options that do not exist are answered with the option or the setting that was probably meant."""

from pathlib import Path

import pytest

from leyden.cli.main import main
from leyden.config.embedded import embedded_experiments

NAME = embedded_experiments(Path.cwd())[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", NAME, "--sead", "3"], "settings have no dashes: did you mean seed=3?"),
        (["train", NAME, "--seed=3"], "did you mean seed=3?"),
        (["check", NAME, "--seed"], "did you mean seed=VALUE?"),
        (["train", NAME, "--lr", "0.1"], "did you mean model.optimizer.lr=0.1?"),
        (["train", NAME, "--max-epochs", "3", "--live"], "did you mean trainer.max_epochs=3?"),
        (["train", NAME, "--trainer.max_epoch", "3"], "did you mean trainer.max_epochs=3?"),
        (["train", NAME, "--dry-rn"], "--dry-rn; did you mean --dry-run?"),
        (["runs", "--limt", "3"], "did you mean --limit?"),
        (["train", NAME, "--zzzzz"], "unrecognized arguments: --zzzzz\n"),
        (["train", "--seed", "3"], "unrecognized arguments: --seed\n"),  # 3 is taken for the experiment
        (["runs", "--seed", "3"], "unrecognized arguments: --seed\n"),  # a command without settings
    ],
)
def test_the_option_or_setting_that_was_meant_is_named(words, message, capsys):
    assert main(words) == 2
    assert message in capsys.readouterr().err
