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
for _name, _value in SILENCE.items():
    os.environ.setdefault(_name, _value)
