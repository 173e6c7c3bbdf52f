"""Marts of signals: claims that ought to be looked at. A signal is a reason to look, never a finding."""

from expectations.declare import INTEGER, MONEY, TEXT, Field, Rule, Table
from expectations.marts.claims import FACILITY_CODE, MONTH_OF_CLAIM, SOURCE
from expectations.marts.coverage import DEFECT, key_rules
from expectations.rules import ERROR

SIGNALS = (
    "outside_card_validity",
    "after_death",
    "overlapping_inpatient",
    "same_day_several_facilities",
    "frequent_visits",
    "several_cards",
    "amount_mismatch",
    "unknown_card",
)
_LISTED = ", ".join(f"'{s}'" for s in SIGNALS)

CLAIM_SIGNALS_MONTH = Table(
    schema="marts", name="claim_signals_month", key=("month", "facility_code", "signal"), vietnamese="Dấu hiệu cần kiểm tra của hồ sơ KCB",
    grain="One row per claim month, facility and signal raised on at least one current claim; a claim counts in each of its signals.",
    source=SOURCE,
    fields=(
        MONTH_OF_CLAIM,
        FACILITY_CODE,
        Field("signal", TEXT, f"What was noticed: {', '.join(SIGNALS)}", vietnamese="Dấu hiệu", needed=True, choices=SIGNALS),
        Field("claims", INTEGER, "Current claims with the signal", vietnamese="Số hồ sơ", unit="claims", needed=True),
        Field("persons", INTEGER, "Distinct persons of these claims", vietnamese="Số người bệnh", unit="persons", needed=True),
        Field("fund_paid", MONEY, "Paid by the fund for these claims (T_BHTT)", vietnamese="Quỹ BHYT thanh toán", unit="đồng", needed=True),
    ),
    rules=(
        *key_rules("claim_signals_month", ("month", "facility_code", "signal")),
        Rule("claim_signals_month.signal.not_listed", ERROR, f"coalesce(signal NOT IN ({_LISTED}), true)",
             "a signal that the contract does not know", DEFECT, "signal"),
        Rule("claim_signals_month.persons.out_of_range", ERROR, "coalesce(persons < 1 OR persons > claims, true)",
             "there are more persons than claims, or none", DEFECT, "persons"),
        Rule("claim_signals_month.claims.above_visits", ERROR,
             "(month, facility_code) IN (SELECT (s.month, s.facility_code) FROM marts.claim_signals_month AS s LEFT JOIN"
             " (SELECT month, facility_code, sum(visits) AS visits FROM marts.facility_month GROUP BY month, facility_code) AS f"
             " ON f.month = s.month AND f.facility_code = s.facility_code WHERE s.claims > coalesce(f.visits, 0))",
             "a signal was raised on more claims than the facility has", DEFECT, "claims"),
    ),
)  # fmt: skip

SIGNAL_MARTS: tuple[Table, ...] = (CLAIM_SIGNALS_MONTH,)
