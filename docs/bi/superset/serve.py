"""Superset on the published warehouse: set up once, import the dashboards, serve. Runs in Superset's own environment (`make superset`).

Superset's own files (store, secret key, the password of `admin`) lie in SUPERSET_HOME, default `.superset/home`, readable by the user only.
Nothing here is sent anywhere: Superset's telemetry is off and the server listens on the loopback address.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def kept(path: Path, length: int) -> str:
    """A secret made at first use."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(length), encoding="ascii")
    return path.read_text(encoding="ascii")


def environment(home: Path) -> dict[str, str]:
    """What every Superset command needs to know."""
    return {
        **os.environ,
        "SUPERSET_HOME": str(home),
        "SUPERSET_SECRET_KEY": kept(home / "secret_key", 42),
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "SCARF_ANALYTICS": "false",
        "FLASK_APP": "superset.app:create_app()",
    }


def run(home: Path, *command: str) -> None:
    """One command in Superset's environment; its log goes to `superset.log`, and the end of it to the screen when it fails."""
    with (home / "superset.log").open("a", encoding="utf-8") as log:
        done = subprocess.run(command, env=environment(home), stdout=log, stderr=log, check=False)
    if done.returncode:
        lines = (home / "superset.log").read_text(encoding="utf-8").splitlines()[-15:]
        raise SystemExit("\n".join([*lines, f"{' '.join(command[:2])} failed; the whole log is {home / 'superset.log'}"]))


def set_up(home: Path) -> None:
    """Superset's store and its administrator; done once."""
    if (home / ".set_up").exists():
        return
    superset = str(Path(sys.executable).with_name("superset"))
    print("Superset: making its store (half a minute) ...", flush=True)
    run(home, superset, "db", "upgrade")
    password = kept(home / "admin_password", 12)
    who = ("--username", "admin", "--firstname", "BHYT", "--lastname", "Admin", "--email", "admin@localhost")
    run(home, superset, "fab", "create-admin", *who, "--password", password)
    run(home, superset, "init")
    (home / ".set_up").touch()


def usual_warehouse() -> Path:
    """Where a published warehouse is looked for when nobody says."""
    if "COVERAGE_WAREHOUSE" in os.environ:
        return Path(os.environ["COVERAGE_WAREHOUSE"])
    usual = [Path(home) / "warehouse/current/coverage.duckdb" for home in ("data", ".demo/data")]
    return next((p for p in usual if p.exists()), usual[0])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--warehouse", type=Path, default=None, help="default COVERAGE_WAREHOUSE, else the warehouse of `data`, else the demo's"
    )
    options.add_argument("--home", type=Path, default=Path(os.environ.get("SUPERSET_HOME", ".superset/home")))
    options.add_argument("--port", type=int, default=8088)
    options.add_argument("--only-import", action="store_true", help="set up and import, do not serve")
    given = options.parse_args()
    # Not resolved: the path goes through the link `current`, so that each new connection sees the version that is published then.
    warehouse = Path(os.path.abspath(given.warehouse or usual_warehouse()))
    if not warehouse.exists():
        raise SystemExit(
            f"{warehouse} does not exist: publish a warehouse first (make demo, or bhyt nightly), or say where it is with --warehouse"
        )
    home = given.home.absolute()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    set_up(home)
    print("Superset: importing the dashboards ...", flush=True)
    run(home, sys.executable, str(HERE / "import_assets.py"), str(warehouse))
    if given.only_import:
        return
    print(
        f"Open http://127.0.0.1:{given.port}/dashboard/list/ - user admin, password in {home / 'admin_password'}. Stop with Ctrl-C.",
        flush=True,
    )
    server = [sys.executable, "-m", "gunicorn", "--workers", "1", "--worker-class", "gthread", "--threads", "8", "--timeout", "120"]
    os.execve(sys.executable, [*server, "--bind", f"127.0.0.1:{given.port}", "superset.app:create_app()"], environment(home))


if __name__ == "__main__":
    main()
