from leyden.config.compose import combinations


def test_combinations():
    assert combinations(["trainer=slow,fast", "seed=range(2)", "data.root=[a,b]"]) == [
        [f"trainer={trainer}", f"seed={seed}", "data.root=[a,b]"] for trainer in ("slow", "fast") for seed in (0, 1)
    ]
    assert combinations(["seed=1", "no word"]) == [["seed=1", "no word"]]
