"""Put the files of `assets/` into Superset's store, over what is there: `python import_assets.py WAREHOUSE`, run by serve.py in Superset's environment."""

from __future__ import annotations

import sys
from pathlib import Path

from superset.app import create_app

HERE = Path(__file__).resolve().parent
PLACEHOLDER = "__COVERAGE_WAREHOUSE__"


def contents(warehouse: str) -> dict[str, str]:
    """File name → text, with the path of the published warehouse in the connection."""
    found = sorted((HERE / "assets").rglob("*.yaml"))
    return {str(p.relative_to(HERE / "assets")): p.read_text(encoding="utf-8").replace(PLACEHOLDER, f"/{warehouse}") for p in found}


def main() -> None:
    with create_app().app_context():
        from superset import security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.utils.core import override_user

        with override_user(security_manager.find_user(username="admin")):
            ImportAssetsCommand(contents(sys.argv[1])).run()


if __name__ == "__main__":
    main()
