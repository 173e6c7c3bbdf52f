"""Marts of employers: who pays people and insures fewer, from the tax authority's and the planning departments' lists."""

from expectations.declare import DATE, INTEGER, QUARTER, TEXT, Field, Rule, Table
from expectations.marts.coverage import key_rules
from expectations.rules import ERROR, WARNING

PERSONS, EMPLOYERS, ENTERPRISES = "persons", "employers", "enterprises"
NEVER_ZERO = "NULL before the first card register, and where the tax lists of the quarter name no employer of the province"
DEFECT = "This is a defect of the software: report it."
SOURCE = "tax/employers, planning/enterprises and the card registers; regulation 5423/QCPH-BHXH-TCT"

COMPLIANCE = Table(
    schema="marts", name="employer_compliance_quarter", key=("quarter", "province_code"),
    vietnamese="Tuân thủ tham gia BHYT của đơn vị theo quý", source=SOURCE,
    grain="One row per quarter of the tax authority's lists and province that has employers in them, or enterprises registered.",
    fields=(
        Field("quarter", QUARTER, "Quarter, as 2025-Q3", needed=True),
        Field("province_code", TEXT, "Province (34) of the employers and of the enterprises", needed=True),
        Field("enterprises_registered", INTEGER, "Enterprises registered up to the quarter's last day and not dissolved by then; "
              "NULL where the planning lists name none of the province", unit=ENTERPRISES),
        Field("employers_active", INTEGER, "Employers with status 00 in the quarter's tax lists", unit=EMPLOYERS),
        Field("employees_paid", INTEGER, "People paid by the active employers, summed over employers", unit=PERSONS),
        Field("employers_insuring", INTEGER, f"Active employers that insure somebody on the quarter's last day; {NEVER_ZERO}", unit=EMPLOYERS),
        Field("employees_insured", INTEGER, "Persons with a valid card bearing the tax code of an active employer on the quarter's last day, "
              f"summed over employers; {NEVER_ZERO}", unit=PERSONS),
        Field("employers_missing", INTEGER, f"Active employers that pay more people than they insure; {NEVER_ZERO}", unit=EMPLOYERS),
        Field("employees_missing", INTEGER, f"Sum over active employers of max(0, paid - insured); {NEVER_ZERO}", unit=PERSONS),
        Field("new_enterprises_missing", INTEGER, "Active employers registered in the 365 days that end with the quarter that pay people and "
              f"insure nobody; {NEVER_ZERO}", unit=ENTERPRISES),
    ),
    rules=(
        *key_rules("employer_compliance_quarter", ("quarter", "province_code")),
        Rule("employer_compliance_quarter.counts.negative", ERROR,
             "coalesce(least(enterprises_registered, employers_active, employers_insuring, employees_insured, employers_missing,"
             " employees_missing, new_enterprises_missing) < 0, false)",
             "a count is negative", DEFECT),
        Rule("employer_compliance_quarter.employees_paid.negative", WARNING, "coalesce(employees_paid < 0, false)",
             "the people paid sum up to less than none", "Look for negative SO_LAO_DONG in the tax lists of the province.", "employees_paid"),
        Rule("employer_compliance_quarter.employers.more_than_active", ERROR,
             "coalesce(greatest(employers_insuring, employers_missing, new_enterprises_missing) > employers_active, false)",
             "more employers insure or miss people than are active", DEFECT, "employers_active"),
        Rule("employer_compliance_quarter.employees_missing.differs", ERROR,
             "coalesce(employees_missing <> coalesce((SELECT sum(m.employees_missing) FROM marts.employers_missing_quarter AS m"
             " WHERE m.quarter = employer_compliance_quarter.quarter AND m.province_code = employer_compliance_quarter.province_code), 0), false)",
             "the employers listed as missing people do not add up to the province", DEFECT, "employees_missing"),
    ),
)  # fmt: skip

MISSING = Table(
    schema="marts", name="employers_missing_quarter", key=("quarter", "tax_code"),
    vietnamese="Đơn vị đóng thiếu người theo quý", source=SOURCE,
    grain="One row per quarter and active employer with fewer people insured than paid.",
    fields=(
        Field("quarter", QUARTER, "Quarter, as 2025-Q3", needed=True),
        Field("province_code", TEXT, "Province (34) of the employer", needed=True),
        Field("tax_code", TEXT, "Tax code: 10 digits, or 13 with the branch; of a person (12 digits, a citizen number) its keyed hash", needed=True),
        Field("name", TEXT, "Name of the employer; NULL where it is a person"),
        Field("registered_on", DATE, "Day of registration in the planning lists; NULL where they do not name the tax code"),
        Field("employees_paid", INTEGER, "People paid in the quarter", unit=PERSONS, needed=True),
        Field("employees_insured", INTEGER, "Persons with a valid card bearing the tax code on the quarter's last day", unit=PERSONS, needed=True),
        Field("employees_missing", INTEGER, "max(0, paid - insured)", unit=PERSONS, needed=True),
        Field("commune_code", TEXT, "Commune of today of the employer; NULL where the tax list names none or the employer is a person"),
        Field("commune_name", TEXT, "Name of the commune today; NULL as for the code"),
    ),
    rules=(
        *key_rules("employers_missing_quarter", ("quarter", "tax_code"), not_null=("province_code",)),
        Rule("employers_missing_quarter.employees_missing.wrong", ERROR,
             "coalesce(employees_missing <= 0 OR employees_insured < 0 OR employees_missing <> employees_paid - employees_insured, true)",
             "the people missing are not the paid less the insured, or none", DEFECT, "employees_missing"),
        Rule("employers_missing_quarter.tax_code.personal", ERROR,
             "coalesce(length(tax_code) = 12 AND regexp_full_match(tax_code, '[0-9]{12}'), false)",
             "a person's number stands in the open", "This is a defect of the software: withdraw the version and report it.", "tax_code"),
    ),
)  # fmt: skip

EMPLOYER_MARTS = (COMPLIANCE, MISSING)
