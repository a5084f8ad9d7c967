"""What the pages of the book show and ask; the library knows nothing of it.

- :mod:`convac_book.explorers`: figures that the reader moves;
- :mod:`convac_book.drawing`: pictures of networks and partitions;
- :mod:`convac_book.checks`: what readers call on their answers, one module a chapter.

The house style is ``plt.style.use("convac_book.convac")``.
"""
