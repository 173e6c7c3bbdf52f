"""A model as the file that `weigh.Model.parse` reads."""

from __future__ import annotations

import json
from dataclasses import asdict

from transforms.persons.weigh import Model


def as_text(model: Model) -> str:
    """All figures of a model, as JSON; `Model.parse` gives the same model back."""
    said = {**asdict(model), "fields": model.levels}
    del said["levels"]
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"
