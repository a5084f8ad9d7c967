"""Very many rows times a small matrix: the one product that all layers are made of."""

import torch
from torch import Tensor

# Rows of a part, at least, and parts of a block, at most; by the kind of device.
ON_A_CPU = (8192, 32)
ON_A_GPU = (256, 256)


def matmul_in_parts(rows: Tensor, matrices: Tensor) -> Tensor:
    """Multiply blocks of rows by a matrix each.

    The gradient of a small matrix is a sum over all rows of its block. On a GPU a batched
    product gives each such sum to one of a hundred processors, and on a CPU very long
    products of narrow matrices are slow. So the blocks are cut into parts, whose sums are
    added up.

    Rows (G * n, a) times matrices (G, a, b) are (blocks, rows of a block, b), in the order of
    the rows: G blocks, or the parts of these.

    Examples
    --------
    >>> matmul_in_parts(torch.ones(4, 2), torch.arange(4.0).view(2, 2, 1)).flatten().tolist()
    [1.0, 1.0, 5.0, 5.0]
    """
    n_parts = parts(rows, len(matrices))
    if n_parts > 1:
        matrices = matrices.unsqueeze(1).expand(-1, n_parts, -1, -1).flatten(0, 1)
    return torch.bmm(rows.reshape(len(matrices), -1, rows.shape[1]), matrices)


def parts(rows: Tensor, n_blocks: int) -> int:
    """Return into how many parts each block of rows is cut: a power of 2 that divides it."""
    if torch.compiler.is_compiling():  # for batches of any size
        return 1
    shortest, most = ON_A_GPU if rows.is_cuda else ON_A_CPU
    n_parts, length = 1, len(rows) // n_blocks
    while length % 2 == 0 and length >= 2 * shortest and n_parts < most:
        n_parts, length = 2 * n_parts, length // 2
    return n_parts
