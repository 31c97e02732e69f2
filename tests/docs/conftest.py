"""What writes the reference lies beside the documentation that it is for."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
