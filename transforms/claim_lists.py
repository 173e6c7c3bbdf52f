"""What a row of a flat list (79a, 80a, 01/BH) needs to stand beside the claims that came as XML.

A flat list is a claim of a lower grade: it has no lines, mostly no MA_LK, and says less. Sources: CV 3360/BHXH-CSYT (79a, 80a),
TT 12/2026/TT-BTC (01/BH); columns in domain/formats.md §3.
"""

from __future__ import annotations

import polars as pl

XML, LIST_79A, LIST_80A, LIST_01BH = "xml", "79a", "80a", "01bh"
OF_79A = (LIST_79A, LIST_80A)


def completed(rows: pl.DataFrame) -> pl.DataFrame:
    """Typed rows of `claims` with `source_form` (xml, 79a, 80a, 01bh) and `visit_key`; rows of lists made whole; same rows, same order.

    In: `source_form` null or missing is XML; `79a` stands for both portal lists, which differ in MA_LOAIKCB only (3 is inpatient: 80a).
    `card_numbers` has been read. Of 79a and 80a:
    - T_TONGCHI is both totals (as in QĐ 4210);
    - T_BNTT includes the co-payment, so `self_paid` = T_BNTT - T_BNCCT. The form of 41 columns has no T_BNCCT: the co-payment is then
      what the fund and other sources left of T_TONGCHI, at most T_BNTT. The two always add up to T_BNTT.
    Of all lists: `lines_total_cost` and `lines_covered_cost` are null, since nobody sent lines; and
    `visit_key` (null for XML) is the card's last ten digits and the days of admission and discharge, which is also the `episode` where
    there is no MA_LK. A row without card, NGAY_VAO or NGAY_RA has no such key.
    """
    if "source_form" not in rows.columns:
        return rows.with_columns(source_form=pl.lit(XML), visit_key=pl.lit(None, pl.String))
    form = pl.col("source_form").fill_null(XML)
    form = pl.when((form == LIST_79A) & (pl.col("care_code").str.strip_chars_start("0") == "3")).then(pl.lit(LIST_80A)).otherwise(form)
    rows = rows.with_columns(source_form=form)
    listed, of_79a = pl.col("source_form") != XML, pl.col("source_form").is_in(OF_79A)
    admitted, discharged = (pl.col(c).dt.strftime("%Y%m%d") for c in ("admitted_at", "discharged_at"))
    visit = pl.concat_str(pl.col("card_numbers").list.first().str.slice(-10), admitted, discharged, separator="/")
    left = pl.col("total_cost") - pl.col("fund_paid") - pl.col("other_sources")
    share = pl.min_horizontal(pl.max_horizontal(left.fill_null(0), 0), "self_paid")
    unread = pl.col("unreadable").list.contains("copayment")
    rows = rows.with_columns(
        visit_key=pl.when(listed).then(visit),
        covered_cost=pl.when(of_79a).then("total_cost").otherwise("covered_cost"),
        **{c: pl.when(~listed).then(c) for c in ("lines_total_cost", "lines_covered_cost")},
    )
    rows = rows.with_columns(
        episode=pl.coalesce("episode", "visit_key"),
        copayment=pl.when(of_79a & ~unread).then(pl.coalesce("copayment", share.cast(rows.schema["copayment"]))).otherwise("copayment"),
    )
    own = pl.when(of_79a & ~unread).then(pl.col("self_paid") - pl.col("copayment")).otherwise("self_paid")
    return rows.with_columns(self_paid=own.cast(rows.schema["self_paid"]))
