"""Types of the arrays that the modules exchange."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
"""For each record the number of its value in a list of distinct values, or -1 for no value."""
Integers = NDArray[np.integer]
Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
"""Row numbers of records."""
Levels = NDArray[np.uint8]
"""Comparison levels, term-frequency classes, or the codes that combine both."""
Hashes = NDArray[np.uint64]
"""Hashes of blocking keys, or packed pairs: the lower row number times 2**32 plus the higher."""
Texts = NDArray[np.object_]
