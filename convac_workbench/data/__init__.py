"""Data of your own: read from a file, a folder or a Dataset, looked at, and made ready.

:func:`.reading.read` gives the samples as they are, :class:`~.preparation.Preparation` what is
done with them before a network sees them, and :func:`.preparation.task_of` both. Every guess is
noted in words, and commands print it.
"""

from .preparation import Preparation, named_task, task_of
from .reading import Samples, is_data, read

__all__ = ["Preparation", "Samples", "is_data", "named_task", "read", "task_of"]
