import pytest
import torch
from torch.nn.functional import cross_entropy

from leyden.networks.text import FastText, TextCNN, TransformerEncoder

NETWORKS = {
    "words": lambda: FastText(50, 3, dim=16, max_ngram=1),
    "runs of three words": lambda: FastText(50, 3, dim=16, max_ngram=3, num_buckets=100),
    "transformer": lambda: TransformerEncoder(50, 3, max_tokens=12, width=16, depth=2, num_heads=2),
    "convolutions": lambda: TextCNN(50, 3, dim=16, num_filters=8),
    "convolution of one word": lambda: TextCNN(50, 3, dim=16, num_filters=8, widths=[1]),
}


@pytest.fixture(params=NETWORKS)
def network(request):
    return NETWORKS[request.param]()


@pytest.fixture
def batch():
    lengths = torch.tensor([1, 4, 9, 12])
    tokens = torch.randint(2, 50, (4, 12)).masked_fill(torch.arange(12) >= lengths[:, None], 0)
    return tokens, lengths


def test_one_vector_of_logits_per_sample(network, batch):
    assert network(*batch).shape == (4, 3)


def test_samples_do_not_depend_on_their_neighbours(network, batch):
    network.eval()
    tokens, lengths = batch
    together = network(tokens, lengths)
    for sample, length in enumerate(lengths):
        alone = network(tokens[sample : sample + 1, :length], length[None])
        assert torch.allclose(together[sample], alone[0], atol=1e-5)


def test_samples_do_not_depend_on_their_neighbours_in_training_either(network, batch):
    for module in network.modules():
        if isinstance(module, (torch.nn.Dropout, torch.nn.MultiheadAttention)):
            module.p = module.dropout = 0.0
    tokens, lengths = batch
    together = network.train()(tokens, lengths)
    for sample, length in enumerate(lengths):
        assert torch.allclose(
            together[sample], network(tokens[sample : sample + 1, :length], length[None])[0], atol=1e-5
        )


def test_what_stands_in_the_padding_does_not_matter(network, batch):
    network.eval()
    tokens, lengths = batch
    padded = tokens.masked_fill(torch.arange(12) >= lengths[:, None], 7)
    assert torch.allclose(network(padded, lengths), network(tokens, lengths), atol=1e-5)


def test_gradient_reaches_every_parameter(network, batch):
    network(*batch).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_overfits_one_batch(network, batch):
    targets = torch.tensor([0, 1, 2, 0])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(100):
        loss = cross_entropy(network(*batch), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (network.eval()(*batch).argmax(dim=1) == targets).all()


def test_order_matters_from_two_words_on():
    tokens, lengths = torch.tensor([[5, 6, 7]]), torch.tensor([3])
    turned = tokens.flip(1)
    words, runs = FastText(50, 3, max_ngram=1).eval(), FastText(50, 3, max_ngram=2).eval()
    assert torch.allclose(words(tokens, lengths), words(turned, lengths), atol=1e-6)
    assert not torch.allclose(runs(tokens, lengths), runs(turned, lengths), atol=1e-6)


def test_runs_spread_over_the_buckets():
    network = FastText(1000, 3, num_buckets=500)
    samples = network.ngrams(torch.randint(0, 1000, (100, 100)), 2)
    assert samples.min() >= 1000
    assert samples.max() < 1500
    counts = (samples - 1000).flatten().bincount(minlength=500)  # 20 each, on average
    assert counts.min() > 0
    assert counts.max() < 60


@pytest.mark.parametrize(("network", "size"), [(FastText, "dim"), (TransformerEncoder, "width")])
def test_starts_from_word_vectors(network, size):
    vectors = torch.randn(50, 16)
    vectors[:2] = torch.nan
    arguments = {"max_tokens": 12} if network is TransformerEncoder else {}
    torch.manual_seed(1)
    fresh = table(network(50, 3, **{size: 16}, **arguments))
    torch.manual_seed(1)
    started = network(50, 3, **{size: 16}, word_vectors=vectors, **arguments)
    assert torch.equal(table(started)[2:], vectors[2:])
    assert torch.equal(table(started)[:2], fresh[:2])
    assert all(parameter.requires_grad for parameter in started.parameters())
    with pytest.raises(ValueError, match="the word vectors have 16 features, but the network has 32: set it to 16"):
        network(50, 3, **{size: 32}, word_vectors=vectors, **arguments)


def table(network):
    return (network.vectors if isinstance(network, FastText) else network.tokens.weight)[:50]


def test_too_many_tokens():
    with pytest.raises(ValueError, match="a sample has 13 tokens; expected at most max_tokens=12"):
        NETWORKS["transformer"]()(torch.ones(1, 13, dtype=torch.int64), torch.tensor([13]))


@pytest.mark.parametrize(
    ("network", "arguments", "message"),
    [
        (FastText, {"dim": 0}, "dim is 0"),
        (FastText, {"max_ngram": 0}, "max_ngram is 0"),
        (FastText, {"num_buckets": 0}, "num_buckets is 0"),
        (FastText, {"dropout": 1.0}, "dropout is 1.0"),
        (TextCNN, {"dim": 0}, "dim is 0"),
        (TextCNN, {"num_filters": 0}, "num_filters is 0"),
        (TextCNN, {"widths": [3, 0]}, r"widths is \[3, 0\]"),
        (TextCNN, {"dropout": 1.0}, "dropout is 1.0"),
        (TransformerEncoder, {"max_tokens": 8, "depth": 0}, "depth is 0"),
        (TransformerEncoder, {"max_tokens": 8, "width": 10, "num_heads": 4}, "width must be divisible by num_heads"),
        (TransformerEncoder, {"max_tokens": 8, "dropout": -0.1}, "dropout is -0.1"),
    ],
)
def test_refused_arguments(network, arguments, message):
    with pytest.raises(ValueError, match=message):
        network(50, 3, **arguments)
