"""Private names of other libraries: which files may use them, and that an installed version still has them.

Where the second fails after an upgrade, read what the library has in that place now, change the file that is named,
and then the line and the version here.
"""

import ast
import importlib
import inspect
import re
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import pytest

import leyden

PACKAGE = Path(leyden.__file__).parent
FIT, EPOCH = "lightning.pytorch.loops.fit_loop", "lightning.pytorch.loops.training_epoch_loop"
CONNECTOR = "lightning.pytorch.trainer.connectors.logger_connector"
SAVING = "lightning.pytorch.callbacks.model_checkpoint"
OPTUNA = ("optuna", "5.0.0")
LIGHTNING, HYDRA, TORCHMETRICS = ("lightning", "2.6.6"), ("hydra-core", "1.3.8"), ("torchmetrics", "1.9.0")
TORCH, TORCHVISION, TORCHAUDIO = ("torch", "2.14.1"), ("torchvision", "0.29.1"), ("torchaudio", "2.11.0")

# A file of ours: what it relies on, as (library, version for which it was written), module and what stands there.
USED = {
    "callbacks/epoch_state.py": [
        (LIGHTNING, EPOCH, "self._results = _ResultCollection(training=True)"),
        (LIGHTNING, f"{CONNECTOR}.result", "class _Metadata:"),
        (LIGHTNING, f"{CONNECTOR}.result", "class _Sync:"),
        (LIGHTNING, f"{CONNECTOR}.result", "_should: bool = False"),
        (LIGHTNING, f"{CONNECTOR}.result", "_op: Optional[str] = None"),
        (LIGHTNING, f"{CONNECTOR}.result", "def __init__(self, metadata: _Metadata, is_tensor: bool) -> None:"),
        (LIGHTNING, f"{CONNECTOR}.result", "self._forward_cache: Optional[Any] = None"),
        (TORCHMETRICS, "torchmetrics.metric", "self._defaults: dict[str, Union[list, Tensor]] = {}"),
        (TORCHMETRICS, "torchmetrics.metric", "self._reductions: dict[str, Union[str, Callable[..., Any], None]] = {}"),
        (TORCHMETRICS, "torchmetrics.metric", "self._update_count = 0"),
        (TORCHMETRICS, "torchmetrics.metric", "self._computed = None"),
    ],
    "callbacks/lightning_internals.py": [
        (LIGHTNING, SAVING, "self._last_global_step_saved = 0"),
        (LIGHTNING, SAVING, 'self._last_checkpoint_saved = ""'),
        (LIGHTNING, SAVING, "self._defer_save_until_validation: bool = False"),
        (LIGHTNING, SAVING, "self.current_score: Optional[Tensor] = None"),
        (LIGHTNING, "lightning.pytorch.trainer.trainer", "self._signal_connector.register_signal_handlers()"),
        (LIGHTNING, EPOCH, "def _broadcast_sigterm_tensor(self) -> None:"),
        (LIGHTNING, EPOCH, "def _should_accumulate(self) -> bool:"),
        (LIGHTNING, EPOCH, "def on_advance_end(self, data_fetcher: _DataFetcher) -> None:"),
        (LIGHTNING, EPOCH, "return now - self.trainer._last_val_time >= interval"),
        (LIGHTNING, FIT, "self._data_fetcher: Optional[_DataFetcher] = None"),
        (LIGHTNING, FIT, "self._restart_stage = RestartStage.NONE"),
        (LIGHTNING, "lightning.pytorch.loops.loop", "self._restarting = False"),
        (LIGHTNING, FIT, "return self._restart_stage == RestartStage.RESTARTED_MID_EPOCH"),
        (LIGHTNING, f"{CONNECTOR}.logger_connector", "def should_update_logs(self) -> bool:"),
        (LIGHTNING, f"{CONNECTOR}.logger_connector", "self._callback_metrics: _OUT_DICT = {}"),
        (LIGHTNING, f"{CONNECTOR}.logger_connector", "elif self._first_loop_iter is True:"),
        (TORCH, "torch.amp.grad_scaler", 'if getattr(optimizer, "_step_supports_amp_scaling", False):'),
    ],
    "callbacks/progress_bar.py": [
        (
            LIGHTNING,
            "lightning.pytorch.callbacks.progress.rich_progress",
            'def _init_progress(self, trainer: "pl.Trainer") -> None:',
        ),
        (LIGHTNING, "lightning.pytorch.callbacks.progress.rich_progress", "def _stop_progress(self) -> None:"),
        (
            LIGHTNING,
            "lightning.pytorch.callbacks.progress.rich_progress",
            "def _get_train_description(self, current_epoch: int) -> str:",
        ),
    ],
    "config/hydra_loader.py": [
        (HYDRA, "hydra._internal.defaults_list", "def create_defaults_list("),
        (HYDRA, "hydra._internal.defaults_list", "prepend_hydra: bool,"),
        (HYDRA, "hydra._internal.defaults_list", "config_overrides: List[Override]"),
        (HYDRA, "hydra._internal.config_loader_impl", "def _compose_config_from_defaults_list("),
        (HYDRA, "hydra._internal.config_loader_impl", "defaults: List[ResultDefault],"),
        (HYDRA, "hydra._internal.config_loader_impl", "def _apply_overrides_to_config("),
        (HYDRA, "hydra._internal.config_loader_impl", "overrides: List[Override], cfg: DictConfig"),
        (
            HYDRA,
            "hydra._internal.config_loader_impl",
            "config_search_path: ConfigSearchPath,",
        ),
        (HYDRA, "hydra._internal.config_repository", "class CachingConfigRepository(IConfigRepository):"),
        (HYDRA, "hydra._internal.config_search_path_impl", "class ConfigSearchPathImpl(ConfigSearchPath):"),
        (HYDRA, "hydra._internal.core_plugins.file_config_source", "class FileConfigSource(ConfigSource):"),
        (HYDRA, "hydra._internal.core_plugins.structured_config_source", "class StructuredConfigSource(ConfigSource):"),
        (HYDRA, "hydra._internal.sources_registry", "def register(self, type_: Type[ConfigSource]) -> None:"),
    ],
    "data/vision/kept_dataset.py": [
        (TORCHVISION, "torchvision.datasets.folder", "self.samples = samples"),
        (TORCHVISION, "torchvision.datasets.flowers102", "self._image_files = []"),
        (TORCHVISION, "torchvision.datasets.dtd", "self._image_files = []"),
        (TORCHVISION, "torchvision.datasets.food101", "self._image_files = []"),
        (TORCHVISION, "torchvision.datasets.oxford_iiit_pet", "self._images = ["),
        (TORCHVISION, "torchvision.datasets.stanford_cars", "self._samples = ["),
    ],
    "networks/audio/wav2vec2.py": [
        (TORCHAUDIO, "torchaudio.pipelines._wav2vec2.impl", "_path: str"),
        (TORCHAUDIO, "torchaudio.pipelines._wav2vec2.impl", "_params: Dict[str, Any]"),
        (TORCHAUDIO, "torchaudio.pipelines._wav2vec2.impl", "_normalize_waveform: bool"),
    ],
    "optim/fully_sharded.py": [
        (LIGHTNING, "lightning.pytorch.strategies.model_parallel", "self._data_parallel_size"),
    ],
    "optim/fused.py": [
        (TORCH, "torch.utils._foreach_utils", "def _get_fused_kernels_supported_devices()"),
        (LIGHTNING, "lightning.fabric.plugins.precision.amp", '"_step_supports_amp_scaling", False)'),
    ],
    "tasks/compiled.py": [
        (TORCH, "torch.nn.modules.module", "self._compiled_call_impl = torch.compile(self._call_impl"),
        (TORCH, "torch.nn.modules.module", "if self._compiled_call_impl is not None:"),
        (TORCH, "torch._functorch.config", "import"),
        (TORCH, "torch.utils._pytree", "def tree_map_only("),
    ],
    "tasks/internals.py": [
        (LIGHTNING, "lightning.pytorch.core.module", "self._current_fx_name: Optional[str] = None"),
        (LIGHTNING, f"{CONNECTOR}.logger_connector", "def should_update_logs(self) -> bool:"),
        (TORCHMETRICS, "torchmetrics.metric", "self._defaults: dict[str, Union[list, Tensor]] = {}"),
        (TORCHMETRICS, "torchmetrics.metric", "self._computed = None"),
    ],
    "testing/bench.py": [
        (TORCHVISION, "torchvision.models.detection.rpn", "self._pre_nms_top_n = pre_nms_top_n"),
        (TORCHVISION, "torchvision.models.detection.rpn", "self._post_nms_top_n = post_nms_top_n"),
    ],
    "run/search_storage.py": [(OPTUNA, "optuna.trial._frozen", "self._trial_id = trial_id")],
}
OF_NAMED_TUPLES = {"_replace", "_fields", "_asdict", "_make"}


def is_private(name: str) -> bool:
    return bool(re.fullmatch(r"_[a-zA-Z]\w*", name)) and not name.endswith("_")


def defined(tree: ast.AST) -> set[str]:
    """Private names that a file gives to what is its own."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            names.add(node.attr)
    return names


def is_self(node: ast.AST) -> bool:
    is_super = isinstance(node, ast.Call) and ast.unparse(node.func) == "super"
    return is_super or (isinstance(node, ast.Name) and node.id in ("self", "cls"))


def foreign(tree: ast.AST, own: set[str]) -> set[str]:
    """Private names in a file that neither it nor, of `self`, another file of the package defines."""
    here, names = defined(tree) | OF_NAMED_TUPLES, set()
    in_texts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names |= {node.attr} - (own if is_self(node.value) else here)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in in_texts:
            names |= {node.value} - own
        elif isinstance(node, ast.Import):
            names |= {part for alias in node.names for part in alias.name.split(".")}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {*(node.module or "").split("."), *(alias.name for alias in node.names)}
    return {name for name in names if is_private(name)}


def overridden(cls: type) -> set[str]:
    """Private methods and attributes of another library's class that one of ours takes the place of."""
    bases = [base for base in cls.__mro__[1:] if not base.__module__.startswith(leyden.__name__)]
    return {
        name
        for name in vars(cls)
        if is_private(name) and name != "_abc_impl" and any(name in vars(base) for base in bases)
    }


def trees() -> dict[str, ast.AST]:
    files = sorted(PACKAGE.rglob("*.py"))
    return {str(file.relative_to(PACKAGE)): ast.parse(file.read_text(encoding="utf-8")) for file in files}


def source(module: str) -> str:
    """Nothing where there is no such module any more."""
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:  # nor the package that it was in
        return ""
    return Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""


def test_no_other_file_uses_a_private_name_of_another_library():
    parsed = trees()
    own = OF_NAMED_TUPLES.union(*map(defined, parsed.values()))
    found = {file: names for file, tree in parsed.items() if (names := foreign(tree, own))}
    others = {file: names for file, names in found.items() if file not in USED}
    assert not others, "look for a public way, or gather the names in one of the files that this test lists"
    assert {*USED} - {*found} <= {"optim/fully_sharded.py"}, "the test lists files that use no private name"


@pytest.mark.parametrize("part", ["callbacks", "optim", "tasks", "metrics", "loggers"])
def test_no_other_class_overrides_a_private_name(part):
    for file in (PACKAGE / part).rglob("*.py"):
        name = ".".join((leyden.__name__, *file.relative_to(PACKAGE).with_suffix("").parts))
        for cls in vars(importlib.import_module(name)).values():
            if inspect.isclass(cls) and cls.__module__ == name:
                assert not overridden(cls) or str(file.relative_to(PACKAGE)) in USED, cls


@pytest.mark.parametrize(
    "line",
    [
        "trainer._logger_connector.log()",
        "self._trainer.fit()",
        "getattr(optimizer, '_optimizer')",
        "from hydra._internal.utils import run",
        "from torch.utils import _pytree",
        "import torch._dynamo",
    ],
)
def test_the_scan_finds(line):
    assert foreign(ast.parse(line), {"_own"})


@pytest.mark.parametrize(
    ("file", "library", "module", "text"),
    [(file, *sample) for file, samples in USED.items() for sample in samples],
    ids=lambda value: value[0] if isinstance(value, tuple) else str(value).rpartition(".")[2][:40],
)
def test_the_installed_version_has_what_we_use(file, library, module, text):
    name, written_for = library
    try:
        installed = version(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is not installed")
    assert text in source(module), (
        f"{name} {installed} has no {text!r} in {module}: src/leyden/{file} was written for {name} {written_for}"
    )
