"""When things happen: the Prefect flow `nightly` and the command line `bhyt`.

Importing this package switches off the telemetry of every library before any of them is imported.
"""

import os

SILENCE = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "POLARS_WARN_UNSTABLE": "0",
}
# A busy machine starts Prefect's ephemeral server in more than the 20 seconds that are its default; our own progress goes to Prefect too.
PREFECT = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180", "PREFECT_LOGGING_EXTRA_LOGGERS": "bhyt"}
for _name, _value in (SILENCE | PREFECT).items():
    os.environ.setdefault(_name, _value)
