"""Raw rows that between them break every declared rule of every export, one fault a row beside a sound first row."""

from __future__ import annotations

from datetime import date

import polars as pl

from expectations.declare import Table
from expectations.exports import BY_NAME
from transforms import claims as claim_rows
from transforms.exports import complete
from transforms.rows import typed
from warehouse import reference

PERIOD = date(2025, 9, 1)

SOUND: dict[str, dict[str, str]] = {
    "cards": {
        "card_number": "DN4220123456789", "social_insurance_number": "0123456789", "citizen_id": "022090123456", "full_name": "Lý Thử",
        "birth_date": "05/03/1990", "sex": "1", "benefit_level": "4", "residence_province": "22", "registered_facility": "22001",
        "valid_from": "01/01/2025", "valid_to": "31/12/2025", "employer_tax_code": "0100109106",
    },
    "facilities": {"facility_code": "22001", "facility_name": "Bệnh viện Thử", "province": "22", "facility_level": "2", "ownership": "CONG"},
    "employers": {"tax_code": "0100109106", "name": "Công ty Thử", "province": "22", "status": "00", "quarter": "2025-Q3", "employees_paid": "10"},
    "enterprises": {"tax_code": "0100109106", "name": "Công ty Thử", "registered_on": "01/02/2020", "province": "22"},
    "population": {"year": "2025", "province": "22", "population": "1000"},
    "targets": {"year": "2025", "province": "22", "target_group": "ALL", "target_pct": "95.5", "instrument": "QĐ 1"},
    "budgets": {"year": "2025", "facility_code": "22001", "province": "22", "budget": "1000"},
    "claims": {
        "episode": "E0", "full_name": "Lý Thử", "birth_date": "199003050000", "sex": "1", "card_list": "DN4220123456789", "main_icd": "J06",
        "residence_province": "22", "visit_category": "1.1", "admitted_at": "202509010800", "discharged_at": "202509010900",
        "treatment_days": "0", "total_cost": "100", "covered_cost": "100", "self_paid": "0", "copayment": "20", "fund_paid": "80",
        "other_sources": "0", "settlement_year": "2025", "settlement_month": "9", "care_code": "01", "facility_code": "22001",
    },
}  # fmt: skip

# What breaks the rules that no empty, garbled or unlisted cell breaks.
FAULTS: dict[str, list[dict[str, str | None]]] = {
    "cards": [
        {"row_flaw": "nul_byte"}, {"row_flaw": "too_many_cells"}, {"social_insurance_number": "123456789"}, {"social_insurance_number": "9999999999"}, {"residence_province": "99"},
        {"residence_province": "02"}, {"residence_commune": "99999"}, {"residence_commune": "00004"}, {"residence_commune": "split"},
        {"valid_to": "31/12/2024"}, {"withdrawn_on": "01/01/2020", "withdrawal_reason": "CHET"}, {"birth_date": "01/01/2026"},
        {"card_number": "ZZ4220123456789"}, {"registered_facility": "99X99"}, {"benefit_level": "3"},
        {"employer_tax_code": "0100109107"}, {"withdrawn_on": "01/01/2026"},
    ],
    "facilities": [
        {"row_flaw": "nul_byte"}, {"row_flaw": "undecodable"}, {"facility_code": "2200"}, {"facility_code": "AB123"}, {"facility_code": "2200123"}, {"province": "99"}, {"province": "02"},
        {"commune": "99999"}, {"commune": "00004"}, {"commune": "split"}, {"contract_from": "01/01/2025", "contract_to": "01/01/2024"},
    ],
    "employers": [
        {"row_flaw": "nul_byte"}, {"row_flaw": "undecodable"}, {"tax_code": "100109106"}, {"province": "99"}, {"province": "02"},
        {"commune": "99999"}, {"commune": "00004"}, {"commune": "split"}, {"tax_code": "0100109107"}, {"employees_paid": "-1"},
    ],
    "enterprises": [
        {"row_flaw": "nul_byte"}, {"row_flaw": "undecodable"}, {"tax_code": "100109106"}, {"province": "99"}, {"province": "02"},
        {"commune": "99999"}, {"commune": "00004"}, {"commune": "split"}, {"tax_code": "0100109107"}, {"dissolved_on": "01/01/2019"},
    ],
    "population": [
        {"row_flaw": "nul_byte"}, {"row_flaw": "undecodable"}, {"commune": "4"}, {"province": "99"}, {"province": "02"}, {"commune": "99999"},
        {"commune": "00004"}, {"commune": "split"}, {"population": "-1"}, {"population": "20000001"}, {"age_band": "0-4"},
    ],
    "targets": [{"row_flaw": "nul_byte"}, {"row_flaw": "undecodable"}, {"province": "99"}, {"province": "02"}, {"target_pct": "101"}, {"target_pct": "0.955"}],
    "budgets": [
        {"row_flaw": "nul_byte"}, {"row_flaw": "undecodable"}, {"facility_code": "1001"}, {"province": "99"}, {"province": "02"},
        {"facility_code": None, "province": None}, {"budget": "-1"},
    ],
    "claims": [
        {"row_flaw": "nul_byte"}, {"row_flaw": "undecodable"}, {"row_flaw": "no_xml1"}, {"citizen_id": "22090123456"}, {"residence_province": "99"}, {"residence_province": "02"},
        {"residence_commune": "99999"}, {"residence_commune": "00004"}, {"residence_commune": "split"}, {"facility_code": "99X99"},
        {"main_icd": "ZZZ"}, {"covered_cost": "90"}, {"total_cost": "102"}, {"fund_paid": "-80"}, {"other_sources": "2000000000000"}, {"discharged_at": "202508310900"},
        {"settlement_month": "8"}, {"standard": "4210"}, {"card_list": "???"}, {"lines": "unreadable"}, {"lines": "off"}, {"lines": "no group"},
        {"lines": "benefit"}, {"department_list": "K77"}, {"department_list": "K51"},
        {"source_form": "01bh", "episode": None, "admitted_at": None}, {"source_form": "01bh", "episode": None}, {"source_form": "01bh", "episode": None},
        {"source_form": "79a", "total_cost": "150"},
    ],
}  # fmt: skip

# Rules whose row must not stand beside a fault that decides otherwise are broken by rows above; these need no restored zeros.
NEVER_RESTORED = {"targets"}


def raw_rows(table: Table) -> pl.DataFrame:
    """The sound row twice (for the rules on double rows), then one row per fault."""
    sound: dict[str, str | None] = dict(SOUND[table.name])
    faults: list[dict[str, str | None]] = [{}, {}]
    faults += [{f.name: None} for f in table.delivered if f.needed]
    faults += [{f.name: "¤¤"} for f in table.delivered if f.kind.name != "text"]
    faults += [{f.name: "¤"} for f in table.delivered if f.choices]
    faults += FAULTS[table.name]
    split = reference.places().communes.filter(pl.col("is_split"))["code"][0]
    rows = [{**sound, **({"episode": f"E{n}"} if table.name == "claims" and n > 1 else {}), **fault} for n, fault in enumerate(faults)]
    names = [f.name for f in table.delivered]
    frame = pl.DataFrame(
        [
            {n: split if (v := row.get(n)) == "split" else v for n in (*names, "row_flaw", "standard", "source_form", "lines")}
            for row in rows
        ],
        schema={n: pl.String() for n in (*names, "row_flaw", "standard", "source_form", "lines")},
    )
    return frame.with_row_index("row_number", offset=1).with_columns(pl.col("row_number").cast(pl.Int64))


def staged_rows(name: str) -> pl.DataFrame:
    """Those rows, typed and completed as a delivery's are."""
    table = BY_NAME[name]
    raw = raw_rows(table)
    split_row = pl.lit("01").alias("residence_province") if name in ("cards", "claims") else pl.lit("01").alias("province")
    split = reference.places().communes.filter(pl.col("is_split"))
    commune = "residence_commune" if name in ("cards", "claims") else "commune"
    if commune in raw.columns:  # the split commune lies in its own province, and its code is of the time before
        raw = raw.with_columns(
            pl.when(pl.col(commune) == split["code"][0])
            .then(pl.lit(split["province_unit"][0]))
            .otherwise(pl.col(split_row.meta.output_name()))
            .alias(split_row.meta.output_name())
        )
    if name != "claims":
        return complete(typed(raw.drop("standard", "source_form", "lines"), table, "d1"), table, PERIOD, reference.places())
    raw = raw.with_columns(pl.col("standard").fill_null("130"), issued_on=pl.lit(date(2025, 9, 2)), position=pl.col("row_number"))
    lines = raw.select(
        "row_number", line_table=pl.lit("2"), line_number=pl.lit("1"),
        cost_group=pl.when(pl.col("lines") == "no group").then(None).otherwise(pl.lit("4")),
        quantity=pl.lit("1"), unit_price=pl.when(pl.col("lines") == "off").then(pl.lit("50")).otherwise(pl.lit("100")),
        total_cost=pl.when(pl.col("lines") == "unreadable").then(pl.lit("1,5")).otherwise(pl.lit("100")),
        covered_cost=pl.lit("100"), benefit_pct=pl.when(pl.col("lines") == "benefit").then(pl.lit("47.5")).otherwise(pl.lit("80")), copayment=pl.lit("20"), fund_paid=pl.lit("80"),
    )  # fmt: skip
    rows, _ = claim_rows.claims(typed(raw.drop("lines"), table, "d1"), lines, "d1", reference.code_lists())
    return complete(rows, table, None, reference.places())
