"""`python -m hilt_autolog` runs the command `hilt` in this Python."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
