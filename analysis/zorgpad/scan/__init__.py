"""The scanner: what would show a child, in a folder that is about to leave.

It reads what batch wrote, decodes what hides (entities, base64, split tags, metadata of images), and reports kind,
place and number, never a value. It is the last look after disclosure control, not a replacement of it.
"""

from zorgpad.scan.cells import safe_cells
from zorgpad.scan.folder import KINDS, Finding, refuse, require_clean, scan_folder

__all__ = ["KINDS", "Finding", "refuse", "require_clean", "safe_cells", "scan_folder"]
