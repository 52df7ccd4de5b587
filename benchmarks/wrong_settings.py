"""1,400 wrong settings of the embedded experiments, and 150 right ones that are unusual: what becomes of each.

    python benchmarks/wrong_settings.py [--static] [--number 1400] [--verbose]

A value of a composed configuration is misspelt in its key, or replaced by one of another type, a negative number, null,
a list or a misspelt choice. `early` is refused by the check, without torch. What passes is trained for two steps, with
evaluation: `late` is refused with a sentence, `traceback` is not, `fine` is trained though it may well be meant (see
`may_be_meant`), and `harmful` is trained though it can only be a mistake.
"""

import argparse
import contextlib
import io
import logging
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from unusual_settings import unusual

from leyden.config.check import problems
from leyden.config.compose import Composed, compose
from leyden.config.embedded import embedded_experiments
from leyden.config.static.annotations import choices
from leyden.config.static.signature import signature

ROOT = Path(__file__).resolve().parents[1]
SEED = 0

# Settings for which a negative number or a list says something.
NEGATIVE = {
    "devices",
    "max_epochs",
    "max_steps",
    "num_sanity_val_steps",
    "mean",
    "save_top_k",
    "ignore",
    "least",
    "most",
}


@dataclass
class Wrong:
    """One setting that was made wrong, by one kind of mistake."""

    experiment: str
    kind: str
    key: tuple[Any, ...]
    value: Any

    def __str__(self) -> str:
        return f"{self.experiment}: {'.'.join(map(str, self.key))}={self.value!r} ({self.kind})"

    def apply(self, config: dict[str, Any]) -> dict[str, Any]:
        """A copy of the configuration with it."""
        changed = copy(config)
        node: Any = changed
        for part in self.key[:-1]:
            node = node[part]
        if self.kind == "misspelt key":
            old, new = self.value
            node[new] = node.pop(old)
        else:
            node[self.key[-1]] = self.value
        return changed


def copy(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: copy(value) for name, value in node.items()}
    return [copy(value) for value in node] if isinstance(node, list) else node


def leaves(node: Any, key: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """Every plain setting of a configuration, lists being one."""
    if isinstance(node, dict):
        return [leaf for name, value in node.items() for leaf in leaves(value, (*key, name))]
    if isinstance(node, list) and any(isinstance(value, dict) for value in node):
        return [leaf for place, value in enumerate(node) for leaf in leaves(value, (*key, place))]
    return [(key, node)]


def misspelt(word: str, draw: random.Random) -> str:
    place = draw.randrange(len(word))
    return draw.choice([word[:place] + word[place + 1 :], word[:place] + word[place] + word[place:], f"{word}x"]) or "x"


def mistakes(name: str, config: dict[str, Any], draw: random.Random) -> list[Wrong]:
    """One of each kind for each setting to which it can happen."""
    found = []
    for key, value in leaves(config):
        last = key[-1]
        if isinstance(last, str):
            found.append(Wrong(name, "misspelt key", key, (last, misspelt(last, draw))))
        if last == "name" or value == "???":
            continue
        found.append(Wrong(name, "wrong type", key, 5 if isinstance(value, str) else "many"))
        found.append(Wrong(name, "list", key, [value, value] if not isinstance(value, list) else "many"))
        if value is not None:
            found.append(Wrong(name, "null", key, None))
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.append(Wrong(name, "negative", key, -abs(value) or -1))
        if isinstance(value, str) and (last == "_target_" or choices_of(config, key)):
            found.append(Wrong(name, "misspelt choice", key, misspelt(value, draw)))
    return [one for one in found if one.kind != "misspelt key" or one.value[0] != one.value[1]]


def parameter_of(config: dict[str, Any], key: tuple[Any, ...]) -> Any:
    node: Any = config
    for part in key[:-1]:
        node = node[part]
    target: Any = "leyden.config.experiment.Experiment"
    if isinstance(node, dict) and len(key) > 1:
        target = node.get("_target_")
    with contextlib.suppress(Exception):
        return signature(str(target)).parameters.get(key[-1])


def choices_of(config: dict[str, Any], key: tuple[Any, ...]) -> list[str]:
    parameter = parameter_of(config, key)
    return choices(parameter) if parameter else []


def generate(number: int) -> tuple[list[Wrong], dict[str, dict[str, Any]]]:
    """The wrong settings, as many of each experiment, and the right configurations."""
    draw = random.Random(SEED)
    experiments = embedded_experiments(ROOT)
    configs = {name: compose([f"experiment={name}", "trainer=debug"], ROOT).config for name in experiments}
    pools = [mistakes(name, config, draw) for name, config in configs.items()]
    for pool in pools:
        draw.shuffle(pool)
    chosen = [pool[place] for place in range(max(map(len, pools))) for pool in pools if place < len(pool)]
    return chosen[:number], configs


def refused(wrong: Wrong, config: dict[str, Any]) -> list[str]:
    return problems(Composed(wrong.apply(config), ROOT, [], {}))


def may_be_meant(wrong: Wrong, config: dict[str, Any]) -> bool:
    """Whether somebody may mean it: null and lists where the annotation says so, negative numbers by name, texts."""
    parameter = parameter_of(config, wrong.key)
    written = (
        "" if parameter is None or parameter.annotation is None else __import__("ast").unparse(parameter.annotation)
    )
    match wrong.kind:
        case "null":
            return "None" in written or "Optional" in written or wrong.key[0] == "callbacks"
        case "negative":
            return wrong.key[-1] in NEGATIVE
        case "list":
            return any(name in written for name in ("Sequence", "list", "Iterable", "Collection")) or "str" in written
        case "wrong type":
            return "str" in written or "int" in written
    return False


def train(wrong: Wrong, config: dict[str, Any], folder: Path) -> tuple[str, str]:
    """What becomes of a training with it: late, traceback or accepted, and the message."""
    from leyden.run.directory import RunDirectory
    from leyden.run.execute import execute

    out = io.StringIO()
    with contextlib.redirect_stderr(out), contextlib.redirect_stdout(out):
        try:
            changed = wrong.apply(config)
            changed["runs"] = changed["runs"] if wrong.key[0] == "runs" else str(folder)
            run = RunDirectory.create(changed, ROOT, ["wrong_settings"])
            code = execute(run, "train")
        except Exception as error:
            if type(error).__name__ in ("UserError", "RunError"):
                return "late", str(error)
            return "traceback", f"{type(error).__name__}: {error}"
        finally:
            logging.getLogger().handlers.clear()
    text = out.getvalue()
    if code:
        return "traceback" if "Traceback" in text else "late", text.strip().splitlines()[-1]
    return "accepted", ""


def classify(number: int, is_static: bool) -> tuple[Counter[str], list[tuple[str, Wrong, str]]]:
    wrongs, configs = generate(number)
    found: list[tuple[str, Wrong, str]] = []
    with TemporaryDirectory() as folder:
        for wrong in wrongs:
            config = configs[wrong.experiment]
            if lines := refused(wrong, config):
                found.append(("early", wrong, lines[0]))
            elif is_static:
                found.append(("passed", wrong, ""))
            else:
                what, text = train(wrong, config, Path(folder))
                if what == "accepted":
                    what = "fine" if may_be_meant(wrong, config) else "harmful"
                found.append((what, wrong, text))
                print(f"{what:<10}{wrong}  {text[:200]}", file=sys.stderr, flush=True)
    return Counter(what for what, _, _ in found), found


def false_alarms() -> tuple[int, list[str]]:
    """How many right settings are tried, and those that are refused."""
    settings = unusual("vision/digits")
    found = [(words, problems(compose(words, ROOT))) for words in settings]
    return len(settings), [f"{' '.join(words)}: {lines[0]}" for words, lines in found if lines]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--static", action="store_true", help="nothing is trained")
    parser.add_argument("--number", type=int, default=1400)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    begin = time.perf_counter()
    counts, found = classify(options.number, options.static)
    for what, wrong, text in found if options.verbose else ():
        print(f"{what:<10}{wrong}  {text}")
    wrong = sum(counts.values()) - counts["fine"]
    print(f"{sum(counts.values())} settings in {time.perf_counter() - begin:.0f} s: {dict(counts)}")
    print(f"early: {counts['early'] / max(wrong, 1):.1%} of the {wrong} that are wrong")
    number, alarms = false_alarms()
    print(f"false alarms: {len(alarms)} of {number} right settings", *alarms, sep="\n")


if __name__ == "__main__":
    main()
