-- One row per card number and first day of validity: the row of the registers that spoke of it last.
--
-- Last: of the latest period, then of the latest delivery, then the last row of the file. The registers repeat each card every month; kept from
-- version to version (warehouse/card_memory.py), so that a night looks at the new ones only.
SELECT
    card_number,
    valid_from,
    said.valid_to AS valid_to,
    said.withdrawn_on AS withdrawn_on,
    said.withdrawal_reason AS withdrawal_reason,
    said.object_code AS object_code,
    said.delivery_id AS delivery_id,
    said.row_number AS row_number,
    said.period AS period,
    said.received_rank AS received_rank
FROM (
    SELECT
        card_number,
        valid_from,
        arg_max(
            {
                'valid_to': valid_to,
                'withdrawn_on': withdrawn_on,
                'withdrawal_reason': withdrawal_reason,
                'object_code': object_code,
                'delivery_id': delivery_id,
                'row_number': row_number,
                'period': period,
                'received_rank': received_rank
            },
            {'period': period, 'received_rank': received_rank, 'row_number': row_number}
        ) AS said
    FROM typed.cards
    GROUP BY card_number, valid_from
) AS latest
