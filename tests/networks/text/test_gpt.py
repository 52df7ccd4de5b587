import pytest
import torch
from torch.nn.functional import cross_entropy

from leyden.networks.text import GPT
from leyden.networks.text.rotary_positions import RotaryPositions

TOKENS = torch.arange(3 * 12).reshape(3, 12) * 7 % 50


@pytest.fixture(params=["gelu", "swiglu"])
def network(request):
    return GPT(50, max_tokens=12, width=16, depth=2, num_heads=2, activation=request.param).eval()


def test_a_token_does_not_see_those_behind_it(network):
    changed = TOKENS.clone()
    changed[:, 7:] = 3
    before, after = network(TOKENS), network(changed)
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:], atol=1e-3)


def test_a_token_sees_all_before_it(network):
    network.requires_grad_(False)
    embedded = network.tokens(TOKENS[:1]).requires_grad_()
    network.tokens.register_forward_hook(lambda module, inputs, output: embedded)
    network(TOKENS[:1])[0, 8].square().sum().backward()
    seen = embedded.grad[0].abs().sum(dim=1)
    assert (seen[:9] > 0).all()
    assert (seen[9:] == 0).all()


@pytest.mark.parametrize("steps", [[1] * 12, [5, 1, 1, 5], [12], [3, 9]])
def test_the_cache_changes_nothing(network, steps):
    cache = network.new_cache()
    parts = [network(part, cache=cache) for part in TOKENS.split(steps, dim=1)]
    assert torch.allclose(torch.cat(parts, dim=1), network(TOKENS), atol=1e-5)
    assert cache.length == 12


def test_samples_do_not_depend_on_their_neighbours_or_on_what_follows(network):
    together = network(TOKENS)
    for sample in range(3):
        assert torch.allclose(network(TOKENS[sample : sample + 1, :5]), together[sample : sample + 1, :5], atol=1e-5)


def test_order_matters(network):
    turned = TOKENS.clone()
    turned[:, [2, 5]] = TOKENS[:, [5, 2]]
    assert not torch.allclose(network(TOKENS)[:, -1], network(turned)[:, -1], atol=1e-4)


def test_gradient_reaches_every_parameter(network):
    cross_entropy(network.train()(TOKENS).flatten(0, 1), TOKENS.flatten()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_overfits_one_batch(network):
    optimizer = torch.optim.Adam(network.train().parameters(), lr=1e-2)
    for _ in range(100):
        loss = cross_entropy(network(TOKENS[:, :-1]).flatten(0, 1), TOKENS[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (network.eval()(TOKENS[:, :-1]).argmax(dim=2) == TOKENS[:, 1:]).all()


def test_a_new_network_is_as_uncertain_as_chance(network):
    loss = cross_entropy(network(TOKENS[:, :-1]).flatten(0, 1), TOKENS[:, 1:].flatten())
    assert loss.item() == pytest.approx(torch.tensor(50.0).log().item(), abs=0.1)


def test_deeper_layers_add_less():
    deep = GPT(50, max_tokens=12, width=64, depth=8, num_heads=2)
    assert deep.blocks[3].attention.out.weight.std().item() == pytest.approx(0.02 / 4, rel=0.1)
    assert deep.blocks[3].feed_forward.hidden.weight.std().item() == pytest.approx(0.02, rel=0.1)


def test_output_and_embedding_share_a_table():
    network = GPT(50, max_tokens=12, width=16, depth=1, num_heads=2)
    # embedding, queries keys values and out, two layers of the feed-forward network, three gains
    assert sum(p.numel() for p in network.parameters()) == 50 * 16 + 4 * 16 * 16 + 8 * 16 * 16 + 3 * 16


def test_both_activations_have_as_many_parameters():
    sizes = [sum(p.numel() for p in GPT(50, 12, 96, 1, 2, one).parameters()) for one in ("gelu", "swiglu")]
    assert sizes[0] == sizes[1]


def test_rotary_positions_see_distances_only():
    turn = RotaryPositions(8, max_tokens=20)
    query, key = torch.randn(8), torch.randn(8)
    products = [turn(query[None], first=i) @ turn(key[None], first=j).T for i, j in ((5, 2), (19, 16), (3, 0))]
    assert torch.allclose(products[0], products[1], atol=1e-5)
    assert torch.allclose(products[0], products[2], atol=1e-5)
    assert not torch.allclose(products[0], turn(query[None], first=5) @ turn(key[None], first=3).T, atol=1e-2)
    assert turn(torch.tensor([[1.0, 0, 0, 0, 0, 0, 0, 0]] * 20))[3, 0].item() == pytest.approx(
        torch.tensor(3.0).cos().item()
    )
    slowest = torch.zeros(20, 8)
    slowest[:, 3] = 1
    assert turn(slowest)[19, 7].item() == pytest.approx(torch.tensor(19 / 10_000 ** (6 / 8)).sin().item(), abs=1e-6)


def test_compiles_into_one_graph(network):
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    assert torch.allclose(compiled(TOKENS), network(TOKENS), atol=1e-5)


def test_too_many_tokens(network):
    with pytest.raises(ValueError, match="a sample has 13 tokens; expected at most max_tokens=12"):
        network(torch.ones(1, 13, dtype=torch.int64))
    cache = network.new_cache()
    network(TOKENS, cache=cache)
    with pytest.raises(ValueError, match="a sample has 13 tokens"):
        network(TOKENS[:, :1], cache=cache)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 0}, "depth is 0"),
        ({"width": 10, "num_heads": 4}, "width / num_heads must be an even integer"),
        ({"width": 12, "num_heads": 4}, "width / num_heads must be an even integer"),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
def test_refused_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        GPT(50, max_tokens=8, **arguments)
