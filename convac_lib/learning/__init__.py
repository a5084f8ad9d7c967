"""Training: the models a reader trains, the tasks, one run, and many alike at once.

Needs PyTorch (the extra ``train``); the exact core above it does not. Read models, tasks,
training, ensembles.
"""
