"""Downloads of published weights, under the name that older programs import."""

from __future__ import annotations

from tallow.hub import load_state_dict_from_url as load_url
from tallow.hub import tqdm

__all__ = ["load_url", "tqdm"]
