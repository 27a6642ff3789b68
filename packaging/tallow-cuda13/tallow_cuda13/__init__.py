"""The CUDA plugin of tallow: tallow opens the library in this folder when CUDA is used."""
