"""`python -m hilt_autolog` is the command `hilt`, of this very Python."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
