import logging
import shutil

import pytest
import torch
from torch import nn

from leyden.tasks.compiled import compile_network

needs_compiler = pytest.mark.skipif(not shutil.which("c++"), reason="torch.compile needs a C++ compiler")
INPUTS = torch.linspace(-1, 1, 12).reshape(4, 3)


@pytest.fixture(autouse=True)
def compiled_anew():
    torch.compiler.reset()


@pytest.fixture
def warnings(caplog):
    logger = "leyden"  # torch and Lightning log, too
    caplog.set_level(logging.WARNING, logger=logger)
    return lambda: [record.getMessage() for record in caplog.records if record.name.startswith(logger)]


def unsupported(graph, inputs):
    raise NotImplementedError("no such operator\nand more of it")


@pytest.fixture
def broken(monkeypatch):
    """A compiler that always fails."""
    compile_network_with = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self, mode: compile_network_with(self, backend=unsupported))


class Plain(nn.Module):  # torch 2.3 skips its own classes, such as Sequential
    def __init__(self):
        super().__init__()
        self.linear, self.norm = nn.Linear(3, 4), nn.BatchNorm1d(4)

    def forward(self, inputs):
        return self.norm(self.linear(inputs))


def train(network):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for samples in (4, 3):  # two sizes
        network(INPUTS[:samples]).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return network.state_dict()


def test_where_the_compiler_fails_training_goes_on_uncompiled_with_the_same_bits(broken, warnings):
    eager, compiled = Plain(), Plain()
    compiled.load_state_dict(eager.state_dict())
    compile_network(compiled)
    weights = train(compiled)
    assert all(value.equal(weights[name]) for name, value in train(eager).items())
    assert warnings() == [
        "torch.compile failed, training continues uncompiled (model.compile=false): "
        "NotImplementedError: no such operator"
    ]


@needs_compiler
@pytest.mark.skipif(torch.__version__ < "2.4", reason="the backward graph is compiled late")
def test_what_fails_backward_is_known_before_the_loss(monkeypatch, warnings):
    from torch._dynamo.backends.common import aot_autograd

    compile_network_with = nn.Module.compile
    backend = aot_autograd(fw_compiler=lambda graph, inputs: graph, bw_compiler=unsupported)
    monkeypatch.setattr(nn.Module, "compile", lambda self, mode: compile_network_with(self, backend=backend))
    network = Plain()
    compile_network(network)
    train(network)
    assert len(warnings()) == 1


class Refusing(nn.Module):
    def forward(self, inputs):
        if len(inputs) == 3:
            raise ValueError("three samples are too many")
        return inputs @ torch.ones(7, 7)


@pytest.mark.parametrize(("samples", "error"), [(3, ValueError), (4, RuntimeError)])
def test_errors_of_the_network_stay_what_they_are(warnings, samples, error):
    network = Refusing()
    compile_network(network)
    with pytest.raises(error, match=r"three samples are too many|cannot be multiplied") as raised:
        network(INPUTS[:samples])
    assert raised.type is error
    assert raised.value.__context__ is None
    assert not warnings()


@pytest.mark.slow
@needs_compiler
@pytest.mark.filterwarnings("ignore:the load_module")  # of torch 2.3's compiler
def test_a_network_that_compiles_stays_compiled(warnings):
    eager, compiled = Plain(), Plain()
    compiled.load_state_dict(eager.state_dict())
    compile_network(compiled, "reduce-overhead")
    weights = train(compiled)
    for name, value in train(eager).items():
        torch.testing.assert_close(weights[name], value)
    assert compiled._compiled_call_impl is not None
    assert not warnings()


def test_outputs_of_a_graph_are_copied_for_evaluations(monkeypatch):
    compile_network_with = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self, mode: compile_network_with(self, backend="eager"))
    network = nn.Sequential(nn.Identity())
    compile_network(network, "reduce-overhead")
    assert network(INPUTS).data_ptr() == INPUTS.data_ptr()
    with torch.no_grad():
        assert network(INPUTS).data_ptr() != INPUTS.data_ptr()
