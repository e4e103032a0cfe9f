"""Ways into the engine from other programs and libraries."""
