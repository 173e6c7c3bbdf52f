"""History in both directions: the insured by old borders, and published figures of provinces that are no more."""


def test_the_insured_by_old_province_add_up_to_the_province(warehouse_sql):
    world = warehouse_sql(
        cards="""
        card_number     | register_province | province_code | old_province_code | commune_code | period
        GD4020000000001 | 02                | 08            | 02                |              | 2025-06-01
        GD4080000000002 | 08                | 08            | 08                |              | 2025-06-01
        GD4080000000003 | 08                | 08            |                   |              | 2025-07-01
        GD4010000000004 | 01                | 01            |                   | 00004        | 2025-07-01
        GD4010000000005 | 01                | 01            |                   |              | 2025-07-01
    """
    )
    world.shows(
        "marts.coverage_old_province_month",
        """
        month      | province_code | old_province_code | old_province_name | insured_persons | valid_cards
        2025-06-01 | 08            | 02                | Hà Giang          | 1               | 1
        2025-06-01 | 08            | 08                | Tuyên Quang       | 1               | 1
        2025-07-01 | 01            | 01                | Hà Nội            | 2               | 2
        2025-07-01 | 08            |                   |                   | 1               | 1
    """,
    )


def test_published_figures_speak_of_the_province_of_today(warehouse_sql):
    """Hoàng Liên Sơn was Lào Cai and Yên Bái, which are one province again; Hà Tuyên was Hà Giang and Tuyên Quang."""
    world = warehouse_sql(
        former_provinces="""
        area           | old_province_code
        Hoàng Liên Sơn | 10
        Hoàng Liên Sơn | 15
        Bắc Nam        | 01
        Bắc Nam        | 10
    """,
        province_series="""
        area           | province_unit | year | measure         | value | basis
        Bắc Nam        |               | 1991 | insured_persons | 1     | at 1991-12
        Hoàng Liên Sơn |               | 1991 | insured_persons | 2     | at 1991-12
        Yên Bái        | 15            | 2013 | coverage_pct    | 3     | at 2013-12
        Hà Nội         | 01            | 2025 | coverage_pct    | 4     | at 2025-06
        Lào Cai        | 15            | 2025 | coverage_pct    | 5     | at 2025-12
    """,
    )
    world.shows(
        "marts.province_series",
        """
        year | area           | province_code | old_province_code | is_whole
        1991 | Bắc Nam        |               |                   | False
        1991 | Hoàng Liên Sơn | 15            |                   | True
        2013 | Yên Bái        | 15            | 15                | False
        2025 | Hà Nội         | 01            | 01                | True
        2025 | Lào Cai        | 15            |                   | True
    """,
    )
