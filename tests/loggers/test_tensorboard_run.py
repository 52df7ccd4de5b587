import pytest
from training_calls import figure, killed_after, rows, training

pytest.importorskip("tensorboard")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from leyden.loggers.tensorboard_run import TensorBoardRun


def read(folder):
    events = EventAccumulator(str(folder / "tensorboard"), {"scalars": 0, "images": 0, "tensors": 0})
    return events.Reload()


def losses(folder):
    # TensorBoard reads files by name, and those of one second by process number.
    return sorted((event.step, event.value) for event in read(folder).Scalars("train/loss"))


def test_values_settings_figures_and_outcome(tmp_path):
    with training(TensorBoardRun, tmp_path) as log:
        log(0, 1, 2)
        log.logger.log_image("plots/curves", figure(tmp_path))
    events = read(tmp_path)
    assert losses(tmp_path) == rows(3)
    assert [event.step for event in events.Scalars("epoch")] == [0, 1, 2]
    assert [(image.step, image.width, image.height) for image in events.Images("plots/curves")] == [(2, 2, 2)]
    assert b"seed: 7" in events.Tensors("settings/text_summary")[0].tensor_proto.string_val[0]
    assert events.Tensors("status/text_summary")[-1].tensor_proto.string_val == [b"finished"]
    data = HParamsPluginData.FromString(events.PluginTagToContent("hparams")["_hparams_/session_start_info"])
    settings = data.session_start_info.hparams
    assert (settings["seed"].number_value, settings["model.width"].number_value) == (7, 3)
    assert settings["model.names"].string_value == "['a', 'b']"
    assert "_hparams_/session_end_info" in events.PluginTagToContent("hparams")


def test_resumed_run_has_each_value_once(tmp_path):
    with training(TensorBoardRun, tmp_path, exit_code=1) as log:
        log(*range(5))
        log.logger.log_image("plots/curves", figure(tmp_path))
    with training(TensorBoardRun, tmp_path, kept=3) as log:  # steps 3 and 4 come again
        log(*range(3, 5))
        log.logger.log_image("plots/curves", figure(tmp_path))
        log(5)
    assert losses(tmp_path) == rows(6)
    events = read(tmp_path)
    assert [image.step for image in events.Images("plots/curves")] == [4]
    outcomes = [event.tensor_proto.string_val[0] for event in events.Tensors("status/text_summary")]
    assert outcomes == [b"failed or stopped", b"finished"]


@pytest.mark.slow
def test_killed_run_has_each_value_once(tmp_path):
    killed_after(TensorBoardRun, tmp_path, 40)
    (file,) = (tmp_path / "tensorboard").iterdir()
    with file.open("ab") as torn:
        torn.write(b"\x18\0\0\0")  # the begin of a value
    with training(TensorBoardRun, tmp_path, kept=30) as log:
        log(*range(30, 45))
    assert losses(tmp_path) == rows(45)
