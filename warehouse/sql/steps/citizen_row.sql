-- One row per citizen id, card number and description (birth date, sex) in the registers: the row that said so last, as in steps.card_row.
SELECT
    citizen_id,
    card_number,
    birth_date,
    sex,
    said.delivery_id AS delivery_id,
    said.row_number AS row_number,
    said.period AS period,
    said.received_rank AS received_rank
FROM (
    SELECT
        citizen_id,
        card_number,
        birth_date,
        sex,
        max({'period': period, 'received_rank': received_rank, 'row_number': row_number, 'delivery_id': delivery_id}) AS said
    FROM typed.cards
    WHERE citizen_id <> ''
    GROUP BY citizen_id, card_number, birth_date, sex
) AS latest
