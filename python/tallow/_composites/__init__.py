"""Operations composed of native ones, by family; loaded when first used (see tallow._names)."""
