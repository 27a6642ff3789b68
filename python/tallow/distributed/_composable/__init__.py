"""The former place of functions that spread a module over processes."""
