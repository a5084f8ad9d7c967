"""Tasks that pages train on, beside those of the library: found by name, as a user's own are.

The entry points of the group ``convac.tasks`` in pyproject.toml give them their names:
``tiled`` and ``filling`` (:mod:`.controls`), ``photos`` and ``pairs``.
"""
