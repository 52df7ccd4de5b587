from leyden.loggers.stored_values import StoredValues, flat, numbers


def test_values_that_a_backend_has_are_not_sent_again():
    stored = StoredValues([("loss", 0), ("loss", 1)])
    assert [stored.missing({"loss": 1.0}, step) for step in range(3)] == [{}, {}, {"loss": 1.0}]


def test_values_lost_in_a_buffer_are_sent():
    stored = StoredValues([("loss", 0), ("accuracy", 1)])
    assert stored.missing({"loss": 1.0, "accuracy": 0.5}, 0) == {"accuracy": 0.5}
    assert stored.missing({"loss": 1.0, "accuracy": 0.5}, 1) == {"loss": 1.0}


def test_values_of_one_step_are_told_apart_by_their_order():
    stored = StoredValues([("val/loss", 3)])
    assert [stored.missing({"val/loss": value}, 3) for value in (1.0, 2.0)] == [{}, {"val/loss": 2.0}]


def test_the_epoch_is_sent_once_for_a_step():
    stored = StoredValues()
    assert stored.missing({"train/loss": 1.0, "epoch": 0}, 9) == {"train/loss": 1.0, "epoch": 0}
    assert stored.missing({"val/loss": 1.0, "epoch": 0}, 9) == {"val/loss": 1.0}


def test_row_of_metrics_csv_and_names_of_settings():
    assert numbers({"step": "3", "loss": "0.5", "val/loss": "", "epoch": "1"}) == ({"loss": 0.5, "epoch": 1.0}, 3)
    settings = {"seed": 1, "model": {"optimizer": {"lr": 0.1}, "frozen": []}, "callbacks": {}}
    assert flat(settings) == {"seed": 1, "model.optimizer.lr": 0.1, "model.frozen": [], "callbacks": {}}
