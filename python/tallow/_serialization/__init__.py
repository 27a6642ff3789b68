"""Reading and writing of checkpoint files: the archive, the pickle inside it, the safe subset."""
