"""The Prefect deployment `backfill`: plan, stage, wait for a person, then approve or cancel. The same steps as `bhyt backfill`."""

from __future__ import annotations

import re
from datetime import date
from io import StringIO

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.runtime import flow_run
from rich.console import Console

from flows import backfill as steps
from flows.comparison import print_comparison
from warehouse import backfill as books
from warehouse.backfill import Plan, Scope
from warehouse.landing import month_of
from warehouse.settings import Settings


class Approval(RunInput):
    """What a person answers to a staged backfill: approve or cancel it, under a name and with a reason."""

    approve: bool
    by: str
    why: str


class WrongScope(ValueError):
    """A parameter of the deployment is not of the form that it must have; the message says which."""


plan_step = task(name="plan-backfill", cache_policy=NO_CACHE)(steps.plan)
run_step = task(name="stage-backfill", cache_policy=NO_CACHE)(steps.run)
approve_step = task(name="approve-backfill", cache_policy=NO_CACHE)(steps.approve)
cancel_step = task(name="cancel-backfill", cache_policy=NO_CACHE)(steps.cancel)


def scope_of(exports: list[str], first: str, last: str, provinces: list[str], reread: bool) -> Scope:
    """Parameters as a scope. Raises WrongScope."""
    months: list[date] = []
    for name, text in (("first", first), ("last", last)):
        month = month_of(text)
        if month is None:
            raise WrongScope(f"{name} must be a month as 2023-01")
        months.append(month)
    if any(not re.fullmatch(r"\d{2}", p) for p in provinces):
        raise WrongScope("provinces must be texts of two digits, as 22")
    return Scope(tuple(exports), months[0], months[1], tuple(provinces), reread)


@flow(name="backfill")
def backfill(
    exports: list[str],
    first: str,
    last: str,
    provinces: list[str] | None = None,
    reread: bool = False,
    wait_for_night_seconds: float = 3600,
    wait_for_approval_seconds: int = 7 * 24 * 3600,
) -> str:
    """Stage a backfill and pause until a person approves or cancels it (in Prefect's page: Resume). Returns what became of the plan.

    The run holds no lock while it is paused; nights leave the staged deliveries alone until there is an answer. Without one in time the run
    fails and the plan still waits: `bhyt backfill approve` or `cancel` decide it as well. A plan of the same flow run is taken up again.
    """
    settings = Settings()
    asked_by = f"flow run {flow_run.get_id()}"
    scope = scope_of(exports, first, last, provinces or [], reread)
    plan = _asked_before(settings, asked_by) or plan_step(settings, scope, None, asked_by)
    if not plan.deliveries:
        cancel_step(settings, plan.plan_id, asked_by, "nothing to read")
        return "nothing to read"
    run_step(settings, plan.plan_id, wait_for_night_seconds)
    create_markdown_artifact(_told(settings, plan), key="backfill-comparison", description=f"What plan {plan.plan_id} would change")
    answer = pause_flow_run(wait_for_input=Approval, timeout=wait_for_approval_seconds, poll_interval=1)
    if not answer.approve:
        cancel_step(settings, plan.plan_id, answer.by, answer.why)
        return "cancelled"
    approve_step(settings, plan.plan_id, answer.by, answer.why, wait_for_night_seconds)
    return "approved"


def _asked_before(settings: Settings, asked_by: str) -> Plan | None:
    """The open plan that an earlier attempt of this flow run has made."""
    known = [books.read(settings, p) for p in books.plans(settings)]
    return next((p for p in known if p.asked_by == asked_by and books.state(settings, p).is_open), None)


def _told(settings: Settings, plan: Plan) -> str:
    """The comparison as markdown: tables, keys, counts; no personal values."""
    with Console(record=True, width=150, file=StringIO()) as console:
        print_comparison(settings, plan, console)
        return f"# Plan {plan.plan_id}\n\n```\n{console.export_text()}```\n"
