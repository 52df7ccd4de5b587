from run_files import write_run

from leyden.study.differences import differences


def test_settings_metrics_packages_and_hardware(tmp_path):
    first = write_run(tmp_path, "some/thing", 0, 0.1, 0.9)
    second = write_run(tmp_path, "some/thing", 1, 0.1, 0.8)
    (first / "environment.txt").write_text("python==3.11.7\ntorch==2.14.1\n")
    (second / "environment.txt").write_text("python==3.11.7\ntorch==2.15.0\nadded==1\n")
    (first / "hardware.json").write_text('{"host": "a", "cores": 2}')
    made = differences(first, second)
    assert made.settings == {"seed": (0, 1)}
    assert made.packages == {"torch": ("2.14.1", "2.15.0"), "added": (None, "1")}
    assert made.hardware == {"host": ("a", None), "cores": (2, None)}
    assert made.metrics["test/accuracy"] == (0.9, 0.8)


def test_a_run_does_not_differ_from_itself(tmp_path):
    run = write_run(tmp_path, "some/thing", 0, 0.1, 0.9)
    made = differences(run, run)
    assert (made.settings, made.packages, made.hardware) == ({}, {}, {})
    assert made.metrics["test/accuracy"] == (0.9, 0.9)
