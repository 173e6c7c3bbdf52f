"""The settings of a command, from the environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse.settings import Settings

WRONG_USAGE = 2


def settings() -> Settings:
    """Exits with a line for each wrong variable: that is wrong usage, and no reason for a traceback.

    Its libraries are imported here, so that `bhyt --help` answers at once.
    """
    from pydantic import ValidationError

    from warehouse.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in ("coverage", *problem["loc"])).upper()
            sys.stderr.write(f"bhyt: environment variable {name}: {problem['msg']}\n")
        sys.exit(WRONG_USAGE)
