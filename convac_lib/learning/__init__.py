"""Training: the models a reader trains, the tasks, and what the trained bonds carry.

Needs PyTorch (the extra ``train``); the exact core above it does not. What is asked of any
network and of any data, :mod:`~convac_lib.learning.interaction` and
:mod:`~convac_lib.learning.arrangement`, needs NumPy only.
"""
