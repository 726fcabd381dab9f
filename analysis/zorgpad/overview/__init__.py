"""The pages about more than one notebook: the index, two gemeenten side by side, and the region in short."""

from zorgpad.overview.index import Regional, index_rows, render_index

__all__ = ["Regional", "index_rows", "render_index"]
