"""Models to train: the ConvAC, and the ConvNet of the paper's experiments."""

from .convac import ConvAC
from .convnet import ConvNet

__all__ = ["ConvAC", "ConvNet"]
