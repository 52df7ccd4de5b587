from .beam_decoder import BeamDecoder
from .generation import Generation
from .greedy_decoder import greedy_decoder

__all__ = ["BeamDecoder", "Generation", "greedy_decoder"]
