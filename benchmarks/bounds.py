"""What bounds a figure, as profiles told it: shown below the entry's table in docs/performance.md.

CPU seconds, since they say the same on a busy machine. Whoever changes what they speak of measures again.
"""

BOUNDS = {
    "claims_xml": (
        "Where a core's time goes (4,000 claims in 100 files, `py-spy record -n`): the inner documents 48 % (their regular "
        "expression 22 %, UTF-8 decoding 6 %, looking for forbidden characters 5 %, the texts that are kept 6 %), file, "
        "envelope and base64 29 %, texts into frames 9 %, typing, rules and Parquet 14 %. So it is bounded by Python's `re` and "
        "by one string object a cell that is kept; below these only a reader in another language goes. One file of 5.0 GB "
        "(125,000 claims, once): 46 s, 108 MB/s a core, 451 MiB. Two cores: two processes of lxml beside each other get "
        "1.45 times one's throughput on this machine (medians of three), so its two cores share what they need; ours get as much. "
        "Batches are read largest first."
    ),
    "register_csv": (
        "Where it goes (1 M rows, 4.7 s of CPU): writing Parquet 1.0, cells to values 0.85, cells clean and NFC 0.55, bytes to "
        "cells 0.5, rules 0.5, quotes and blocks 0.5, places 0.25. dlt spends 9 to 10 s on the same file, its imports with it, "
        "keeps dates as text and checks no rule."
    ),
    "national": (
        "What standing cards cost a night that changes three in a hundred of them: 15 s of CPU with 300,000 standing, 22 s with "
        "1 M (of it Great Expectations' start 4, persons 2.8, who is insured 3.1, digests of registers 1.1, days of cards for "
        "claims 0.9), so some 10 s of CPU for each further million. "
        "Memory of the largest process grows by 0.4 GiB a million. Taking cards in the first time costs 41 s of "
        "CPU a million (reading 9, validating 11, linking all 16, build 4)."
    ),
    "person_months": (
        "It is bounded by how many texts a person-month has. 300,000 spans are 6.2 M person-months: to meet the months costs "
        "1.1 s of CPU, with the person's id 1.8, with the nine other columns that marts count by 5.4, and who holds several "
        "cards 0.3. Two steps of that width (who is insured by a card, where a person counts) are 9 to 11 s, and 30 to 38 s for "
        "1 M spans of two years; `unnest(range)` beside it keeps three columns. To reach 5 s, marts would have to count by the "
        "number of a card row and look its texts up afterwards. A night makes one month, not 24: there both steps cost 2.5 s of "
        "CPU for 1 M cards."
    ),
}
