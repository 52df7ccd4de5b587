"""The weights of the bundles have hundreds of megabytes; a small bundle of the same kind replaces them."""

import dataclasses

import pytest
import torch
import torchaudio
from torch.nn.functional import pad
from torchaudio.models import wav2vec2_model

from leyden.errors import UserError
from leyden.networks.audio import Wav2Vec2

RATE = 8000
SMALL = {
    "extractor_conv_layer_config": [(8, 10, 5), (8, 3, 2), (8, 2, 2)],
    "encoder_embed_dim": 16,
    "encoder_pos_conv_kernel": 8,
    "encoder_pos_conv_groups": 2,
    "encoder_num_layers": 2,
    "encoder_num_heads": 2,
    "encoder_ff_interm_features": 32,
}


@pytest.fixture(
    params=[("WAV2VEC2_BASE", "group_norm"), ("WAV2VEC2_LARGE_LV60K", "layer_norm")], ids=lambda one: one[0]
)
def bundle(request, monkeypatch):
    """The two kinds of bundles: with a group norm over time, and with normalised waveforms."""
    name, mode = request.param
    found = getattr(torchaudio.pipelines, name)
    assert found._params["extractor_mode"] == mode
    small = dataclasses.replace(found, _params=found._params | SMALL)
    monkeypatch.setattr(torchaudio.pipelines, name, small)
    return name


def build(bundle, **options):
    return Wav2Vec2(num_tokens=5, sample_rate=RATE, bundle=bundle, **{"pretrained": False} | options)


def weights(bundle):
    """Random weights, in the format and with the name of the file that torchaudio downloads."""
    found = getattr(torchaudio.pipelines, bundle)
    return wav2vec2_model(**found._params).state_dict(), found._path.rpartition("/")[2]


@pytest.mark.parametrize("length", [1, 200, 1041, 1999])
def test_padding_does_not_change_a_sample(bundle, length):
    network = build(bundle).eval()
    lengths = torch.tensor([2000, length, 1500])
    waveforms = torch.randn(3, 2000) * (torch.arange(2000) < lengths.unsqueeze(1))
    log_probs, frames = network(waveforms, lengths)
    alone, (count,) = network(waveforms[1:2, :length], lengths[1:2])
    longer, _ = network(pad(waveforms[1:2, :length], (0, 3000)), lengths[1:2])
    assert count == frames[1] == alone.shape[1] > 0
    assert torch.allclose(log_probs[1, :count], alone[0], atol=1e-5)
    assert torch.allclose(longer[0, :count], alone[0], atol=1e-5)


def test_one_sample_is_what_torchaudio_makes_of_it(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    state, file = weights(bundle)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(state, tmp_path / "hub" / "checkpoints" / file)
    network = Wav2Vec2(num_tokens=5, sample_rate=16000, bundle=bundle).eval()
    theirs = getattr(torchaudio.pipelines, bundle).get_model()
    waveforms = torch.randn(1, 4000)
    seen = []
    network.head.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    network(waveforms, torch.tensor([4000]))
    expected, _ = theirs(waveforms)
    assert torch.allclose(seen[0], expected, atol=1e-5)


def test_weights_that_cannot_be_fetched(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(UserError, match=rf"cannot download the weights of {bundle}: no route.*\n.*hub/checkpoints"):
        build(bundle, pretrained=True)


def refuse(*_, **__):
    raise OSError("no route to host")


@pytest.mark.parametrize("frozen", [True, False])
def test_gradient_reaches_every_parameter_that_is_not_frozen(bundle, frozen):
    network = build(bundle, freeze_extractor=frozen)
    network(torch.randn(4, 4000), torch.full((4,), 4000))[0][..., 1].sum().backward()
    for name, parameter in network.named_parameters():
        is_trained = parameter.grad is not None and bool(parameter.grad.any())
        assert is_trained != (frozen and name.startswith("extractor.")), name


def test_layers_are_dropped_if_configured(bundle):
    network = build(bundle, layer_drop=0.9)
    network(torch.randn(4, 4000), torch.full((4,), 4000))[0][..., 1].sum().backward()
    dropped = [layer.final_layer_norm.weight.grad is None for layer in network.encoder.transformer.layers]
    assert any(dropped)


def test_other_bundles_are_refused():
    with pytest.raises(UserError, match="did you mean 'WAV2VEC2_BASE'"):
        build("WAV2VEC2_BAS")
    with pytest.raises(UserError, match=r"has no wav2vec 2\.0 bundle 'WAVLM_BASE'"):
        build("WAVLM_BASE")
    with pytest.raises(ValueError, match="layer_drop is 1"):
        build("WAV2VEC2_BASE", layer_drop=1.0)
