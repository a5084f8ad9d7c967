"""Training: the models a reader trains, the tasks, and what the trained bonds carry.

Needs PyTorch (the extra ``train``); the exact core above it does not.
"""
