-- One row per version of a claim (a HOSO, or a row of a flat list): what tells which version counts, whose it is and what signals it raises.
--
-- The few columns that are looked at across months; all others are read of the months that must be made (steps.claim).
-- month: the settlement period (NAM_QT, THANG_QT); service_month: the month of discharge (NGAY_RA).
-- care_type: inpatient for MA_LOAI_KCB 03, 04 and 09 (QĐ 4210: 3), outpatient for all other codes and for none. The contract defines it so for all dates,
-- and the lists of QĐ 4210, QĐ 824 and QĐ 1804 (from 2026-08-01) agree: reference.care_types is tested against it.
-- MA_DOITUONG_KCB 8 withdraws the claim (a spreadsheet in between may have made it 8.0).
-- amount_differs: the total differs from the sum of the lines by more than 1 đồng; a claim without lines has the sum 0. A row of a flat list is not
-- asked: it cannot have lines.
SELECT
    delivery_id,
    row_number,
    received_rank,
    facility_code,
    episode,
    visit_key,
    source_form,
    issued_on,
    "position",
    coalesce(regexp_full_match(trim(visit_category), '0*8([.]0*)?'), false) AS is_withdrawal,
    make_date(settlement_year, settlement_month, 1) AS month,
    date_trunc('month', discharged_at)::DATE AS service_month,
    CASE WHEN ltrim(care_code, '0') IN ('3', '4', '9') THEN 'inpatient' ELSE 'outpatient' END AS care_type,
    admitted_at,
    discharged_at,
    -- A number of one digit repeated (000000000000) is a placeholder and identifies nobody.
    CASE WHEN ltrim(citizen_id, left(citizen_id, 1)) <> '' THEN citizen_id END AS citizen_id,
    birth_date,
    sex,
    card_numbers,
    card_valid_from,
    card_valid_to,
    nullif(trim(registered_facilities[1]), '') AS registered_facility,
    coalesce(source_form = 'xml' AND abs(total_cost - coalesce(lines_total_cost, 0)) > 1, false) AS amount_differs
FROM typed.claims
