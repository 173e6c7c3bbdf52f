"""Reading tables: each way in which the contract lets one arrive ("A file") gives the same raw rows."""

import datetime as dt
import unicodedata
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from expectations.exports import BUDGETS, CARDS, FACILITIES, POPULATION, TARGETS
from warehouse.profiles import Profile, parse
from warehouse.readers import tabular, text
from warehouse.refusal import Refusal

TARGETS_ROWS = [
    {"row_number": 2, "row_flaw": None, "year": "2025", "province": "01", "target_pct": "95.5", "instrument": "Quyết định 546"},
    {"row_number": 3, "row_flaw": None, "year": "2025", "province": "79", "target_pct": "96", "instrument": "Nghị quyết số 05"},
]
TARGETS_TEXT = "NAM,MATINH,CHI_TIEU,VAN_BAN\n2025,01,95.5,Quyết định 546\n2025,79,96,Nghị quyết số 05\n"


def rows(tmp_path: Path, content: bytes | str, table=TARGETS, profile: Profile | None = None) -> list[dict]:
    file = tmp_path / "delivered"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return pl.concat(list(tabular.read(file, table, profile)), how="diagonal").to_dicts()


def workbook(tmp_path: Path, *sheets: list[list]) -> bytes:
    file = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(file) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for lines in sheets:
            sheet = book.add_worksheet()
            for at, line in enumerate(lines):
                for column, value in enumerate(line):
                    if value is not None:
                        sheet.write(at, column, value, day if isinstance(value, dt.date) else None)
    return file.read_bytes()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_each_delimiter_and_line_end(tmp_path, delimiter, newline):
    assert rows(tmp_path, TARGETS_TEXT.replace(",", delimiter).replace("\n", newline)) == TARGETS_ROWS


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_each_unicode_encoding(tmp_path, codec):
    assert rows(tmp_path, TARGETS_TEXT.encode(codec)) == TARGETS_ROWS


def test_utf_16_big_endian_with_a_byte_order_mark(tmp_path):
    assert rows(tmp_path, b"\xfe\xff" + TARGETS_TEXT.encode("utf-16-be")) == TARGETS_ROWS


LABELS = "Năm;Mã tỉnh;Chỉ tiêu (%);Văn bản giao\n"


def test_decomposed_text_is_composed(tmp_path):
    text = unicodedata.normalize("NFD", LABELS + "2025;01;95.5;Quyết định 546\n2025;79;96;Nghị quyết số 05\n")
    assert rows(tmp_path, text) == TARGETS_ROWS


def test_windows_1258(tmp_path):
    # Windows-1258 keeps hats and horns on their letters and writes the tone as a mark of its own.
    header = "Năm;Ma\u0303 ti\u0309nh;Chi\u0309 tiêu;Văn ba\u0309n\n"
    text = header + "2025;01;95.5;Quyê\u0301t đi\u0323nh 546\n2025;79;96;Nghi\u0323 quyê\u0301t sô\u0301 05\n"
    assert rows(tmp_path, text.encode("cp1258")) == TARGETS_ROWS


TCVN3 = "N¨m;M· tØnh;ChØ tiªu;V¨n b¶n\n2025;01;95.5;QuyÕt ®Þnh 546\n2025;79;96;NghÞ quyÕt sè 05\n"
VNI = "Naêm;Maõ tænh;Chæ tieâu;Vaên baûn\n2025;01;95.5;Quyeát ñònh 546\n2025;79;96;Nghò quyeát soá 05\n"


@pytest.mark.parametrize("text", [TCVN3, VNI], ids=["tcvn3", "vni"])
@pytest.mark.parametrize("codec", ["latin-1", "utf-8", "utf-16"], ids=["bytes", "mojibake", "mojibake16"])
def test_font_encodings_as_bytes_and_as_mojibake(tmp_path, text, codec):
    assert rows(tmp_path, text.encode(codec)) == TARGETS_ROWS


@pytest.mark.parametrize("text", [TCVN3, VNI], ids=["tcvn3", "vni"])
def test_font_encodings_in_a_workbook(tmp_path, text):
    assert rows(tmp_path, workbook(tmp_path, [line.split(";") for line in text.splitlines()])) == TARGETS_ROWS


@pytest.mark.parametrize("text", [TCVN3, VNI], ids=["tcvn3", "vni"])
def test_font_encodings_in_parquet(tmp_path, text):
    header, *lines = (line.split(";") for line in text.splitlines())
    pl.DataFrame(lines, schema=header, orient="row").write_parquet(tmp_path / "a.parquet")
    assert rows(tmp_path, (tmp_path / "a.parquet").read_bytes()) == [{**r, "row_number": r["row_number"] - 1} for r in TARGETS_ROWS]


@pytest.mark.parametrize(
    ("mojibake", "meant"),
    [
        ("Céng hoµ x· héi chñ nghÜa ViÖt Nam", "Cộng hoà xã hội chủ nghĩa Việt Nam"),
        ("§éc lËp - Tù do - H¹nh phóc", "Độc lập - Tự do - Hạnh phúc"),
        ("B¸o c¸o tµi chÝnh", "Báo cáo tài chính"),
        ("NguyÔn ThÞ Th\u00ad¬ng", "Nguyễn Thị Thương"),
        ("Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam", "Cộng hòa xã hội chủ nghĩa Việt Nam"),
        ("Ñoäc laäp - Töï do - Haïnh phuùc", "Độc lập - Tự do - Hạnh phúc"),
        ("NGUYEÃN VAÊN ÑÖÙC", "NGUYỄN VĂN ĐỨC"),
        ("Coâng ty", "Công ty"),
    ],
)
def test_font_encodings_beside_element_names(tmp_path, mojibake, meant):
    found = rows(tmp_path, f"NAM,MATINH,CHI_TIEU,VAN_BAN\n2025,01,95,{mojibake}\n")
    assert found[0]["instrument"] == meant


@pytest.mark.parametrize(
    ("codec", "decision", "council"),
    [("cp1258", "QĐ", "HĐND"), ("latin-1", "Q§", "H§ND"), ("latin-1", "QÑ", "HÑND"), ("utf-8", "Q§", "H§ND"), ("utf-8", "QĐ", "HĐND")],
    ids=["cp1258", "tcvn3", "vni", "mojibake", "utf-8"],
)
def test_decisions_may_be_all_that_tells_the_encoding(tmp_path, codec, decision, council):
    text = f"NAM,MATINH,CHI_TIEU,VAN_BAN\n2025,01,95,546/{decision}-TTg\n2025,22,95,35/2024/NQ-{council}\n"
    assert [r["instrument"] for r in rows(tmp_path, text.encode(codec))] == ["546/QĐ-TTg", "35/2024/NQ-HĐND"]


@pytest.mark.parametrize(
    "text", ["MUÑOZ", "§", "Điều 5 § 2", "Hoàng Đoàn Lý Hà", "Hà", "Tài", "ðoàn ñạt Nguyễn", "José Müller", "BÙI ÁNH", "Tô Hòa Ân", "Á"]
)
def test_unicode_is_left_as_it_is(tmp_path, text):
    assert rows(tmp_path, f"NAM,MATINH,CHI_TIEU,VAN_BAN\n2025,01,95,{text}\n")[0]["instrument"] == text


def test_headers_match_without_case_accents_spaces_underscores_and_punctuation(tmp_path):
    text = "nam;MÃ TỈNH (*);  chi tieu, (%):;Văn-bản.giao\n2025;01;95.5;Quyết định 546\n2025;79;96;Nghị quyết số 05\n"
    assert rows(tmp_path, text) == TARGETS_ROWS


def test_an_element_name_wins_over_a_label_and_the_first_of_repeated_headings_counts(tmp_path):
    text = "Tỉnh,MATINH,NAM,CHI_TIEU,VAN_BAN,NAM\nHà Nội,01,2025,95,546,1999\n"
    assert rows(tmp_path, text) == [
        {"row_number": 2, "row_flaw": None, "year": "2025", "province": "01", "target_pct": "95", "instrument": "546"}
    ]


def test_remarks_in_brackets_do_not_count_unless_they_name_another_unit(tmp_path):
    text = "Năm (dương lịch);Mã tỉnh/TP (2 số);Tỷ lệ bao phủ BHYT (%);Căn cứ pháp lý [số, ngày]\n2025;01;95.5;Quyết định 546\n"
    assert rows(tmp_path, text) == TARGETS_ROWS[:1]
    text = "Năm;Mã tỉnh;Dân số (người)\n2025;01;8700000\n"
    assert [r["population"] for r in rows(tmp_path, text, POPULATION)] == ["8700000"]
    for other in ("nghìn người", "1.000 người", "triệu"):
        with pytest.raises(Refusal, match="DAN_SO"):
            rows(tmp_path, f"Năm;Mã tỉnh;Dân số ({other})\n2025;01;8700\n", POPULATION)


def test_a_heading_of_two_rows_with_merged_cells(tmp_path):
    lines = [
        ["TT", "Số thẻ BHYT", "Họ và tên", "Ngày sinh", "Giới tính", "Nơi cư trú", None, "Giá trị sử dụng", None],
        [None, None, None, None, None, "Mã tỉnh", "Mã xã", "Từ ngày", "Đến ngày"],
        ["(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)", "(8)", "(9)"],
        ["1", "GD4010100000001", "Trần Thị Mẫu", "1980", "2", "01", "00004", "01/01/2025", "31/12/2025"],
    ]
    expected = {
        "row_number": 4, "row_flaw": None, "card_number": "GD4010100000001", "full_name": "Trần Thị Mẫu", "birth_date": "1980", "sex": "2",
        "residence_province": "01", "residence_commune": "00004", "valid_from": "01/01/2025", "valid_to": "31/12/2025",
    }  # fmt: skip
    assert rows(tmp_path, workbook(tmp_path, [[f"{i}" for i in ("Danh sách", "")], *lines]), CARDS) == [expected | {"row_number": 5}]
    lines[0][5:] = ["Mã tỉnh", "Mã xã", "Giá trị thẻ", None]
    lines[1][5:] = [None, None, "Từ", "Đến"]
    text = "\n".join(";".join(c or "" for c in line) for line in lines)
    assert rows(tmp_path, text, CARDS) == [expected]


def test_a_record_below_a_heading_is_not_taken_for_its_second_row(tmp_path):
    with pytest.raises(Refusal, match="GT_THE_TU"):
        rows(tmp_path, "Số thẻ;Họ tên;Ngày sinh;Giới tính;Mã tỉnh\n;Từ ngày;;;\nGD4010100000001;Mẫu;1980;2;01\n", CARDS)


def test_titles_above_and_totals_and_signatures_below_the_data(tmp_path):
    text = (
        "ỦY BAN NHÂN DÂN TỈNH,,,,\n"
        '"Danh sách, chỉ tiêu bao phủ, năm 2025",,,,,,,\n'
        "\n"
        "STT,NAM,MATINH,CHI_TIEU,VAN_BAN\n"
        "(1),(2),(3),(4),(5)\n"
        "1,2025,01,95.5,Quyết định 546\n"
        ",,,,\n"
        "2,2025,79,96,Nghị quyết số 05\n"
        ",,Tổng cộng: 2 tỉnh,191.5,\n"
        "\n"
        '"Hà Nội, ngày 5 tháng 9 năm 2025",,,,\n'
        "Người lập biểu,,,Thủ trưởng đơn vị,\n"
        "Nguyễn Văn A,,,,\n"
    )
    assert rows(tmp_path, text) == [{**TARGETS_ROWS[0], "row_number": 6}, {**TARGETS_ROWS[1], "row_number": 8}]


def test_labels_above_codes_are_one_header(tmp_path):
    text = "Năm,Tỉnh,Chỉ tiêu,Văn bản\nNAM,MATINH,CHI_TIEU,VAN_BAN\nA,B,1,2\n2025,01,95.5,546\n"
    assert [(r["row_number"], r["year"]) for r in rows(tmp_path, text)] == [(4, "2025")]


CARD = "MA_THE_BHYT;HO_TEN;NGAY_SINH;GIOI_TINH;MATINH_CU_TRU;DIA_CHI;GT_THE_TU"


@pytest.mark.parametrize(
    "last",
    [
        ";Trần Văn B;01/01/1980;1;22;Phố Cộng Hòa;01/01/2025",  # no card number
        "GD4220000000002;;01/01/1980;1;22;Tổng kho;",  # neither name nor validity
        "GD4220000000002",  # cut off
        ";Tống Văn B;;1;22;;",  # a surname
        ";Tổng;01/01/1980;1;22;;01/01/2025x".replace("Tổng;", "Tống Thị Tổng;"),
    ],
)
def test_a_broken_last_row_stays_a_record(tmp_path, last):
    found = rows(tmp_path, f"{CARD}\nGD4220000000001;Lê A;1980;1;22;;01/01/2025\n{last}\n", CARDS)
    assert [r["row_number"] for r in found] == [2, 3]


def test_a_last_row_of_nul_bytes_is_damage_and_no_footer(tmp_path):
    found = rows(tmp_path, f"{CARD}\nGD4220000000001;Lê A;1980;1;22;;01/01/2025\n\0\0\0\n", CARDS)
    assert [(r["row_number"], r["row_flaw"]) for r in found] == [(2, None), (3, "nul_byte")]


@pytest.mark.parametrize(
    "last",
    ["Tổng;;;;;;", ";Cộng;;;;;12", "TỔNG CỘNG;;;;;;", "tong so;;;;;;", "Tổng số thẻ: 1;;;;;;", ";;;;Giám đốc;;"],
)
def test_totals_and_signatures_are_no_records(tmp_path, last):
    found = rows(tmp_path, f"{CARD}\nGD4220000000001;Lê A;1980;1;22;;01/01/2025\n{last}\n", CARDS)
    assert [r["row_number"] for r in found] == [2]


@pytest.mark.parametrize(
    ("last", "kept"),
    [
        (";Tổng cộng: 1;;", [2]), (";;;Ngày 05 tháng 10 năm 2025", [2]), (";;;NGƯỜI LẬP", [2]), (";;;(Ký, ghi rõ họ tên)", [2]),
        (";;;Lê A", [2]), ("Tổng cộng;;;7", [2]), ("2025;;;Tổng cộng", [2]), ("Người lập;;;Giám đốc", [2]), ("Lê A;;;Trần B", [2]),
        ("2025;22002;;", [2, 3]), (";22002;;5", [2, 3]), (";22002;;năm triệu", [2, 3]), ("2025;;;", [2, 3]),
    ],
)  # fmt: skip
def test_signatures_below_a_table_with_but_two_required_columns(tmp_path, last, kept):
    assert [r["row_number"] for r in rows(tmp_path, f"NAM;MA_CSKCB;MATINH;DU_TOAN\n2025;22001;;7\n{last}\n", BUDGETS)] == kept


@pytest.mark.parametrize(
    ("last", "kept"),
    [
        ("NGƯỜI LẬP BIỂU;GIÁM ĐỐC;;", [2]), (";Người lập;Giám đốc;", [2]), ("Cong;;;2", [2]),
        ("Lê A;Trần B;;", [2]), ("Tổng cộng;;;", [2]), ("Tổng cộng;2 cơ sở;x;", [2]),
        ("Người lập;Kế toán;Phó giám đốc;Giám đốc", [2]), ("220;Trạm A;22;", [2, 3]), (";Trạm B;22;CONG", [2, 3]), ("X;Trạm 3;Y;", [2, 3]),
    ],
)  # fmt: skip
def test_signatures_under_every_required_column(tmp_path, last, kept):
    """A row without a digit names no place, year or number: a record it cannot be."""
    content = f"MA_CSKCB;TEN_CSKCB;MATINH;LOAI_HINH\n22001;Trạm A;22;CONG\n{last}\n"
    assert [r["row_number"] for r in rows(tmp_path, content, FACILITIES)] == kept


@pytest.mark.parametrize(("row", "column", "read"), [(1_048_575, 16_383, False), (1_048_575, 3, True)])
def test_a_stray_cell_far_out_costs_the_file_and_not_the_night(tmp_path, row, column, read):
    file = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["NAM", "MATINH", "CHI_TIEU", "VAN_BAN"])
        sheet.write_row(1, 0, ["2025", "22", "95", "QĐ 1"])
        sheet.write(row, column, " ")
    if read:
        assert [r["row_number"] for r in rows(tmp_path, file.read_bytes())] == [2]
    else:
        with pytest.raises(Refusal, match=r"from A1 to XFD1048576, 17,179,869,184 cells.*delete the rows and columns"):
            rows(tmp_path, file.read_bytes())


@pytest.mark.parametrize(("table", "content"), [
    (POPULATION, "NAM,MATINH,DAN_SO\n2025,01,10\n2025,79,20\n2025,Tổng cộng,30\n"),
    (TARGETS, "NAM,MATINH,CHI_TIEU,VAN_BAN\n2025,01,95,QĐ 1\n2025,79,96,QĐ 1\n2025,Tổng số,95,QĐ 1\n"),
])  # fmt: skip
def test_a_total_with_its_year_where_a_province_should_stand_is_no_record(tmp_path, table, content):
    assert [r["row_number"] for r in rows(tmp_path, content, table)] == [2, 3]


def test_a_name_that_reads_like_a_total_is_a_record(tmp_path):
    found = rows(tmp_path, "MA_CSKCB,TEN_CSKCB,MATINH\n22001,Trạm A,22\n22002,Tổng số 2,22\n", FACILITIES)
    assert [r["row_number"] for r in found] == [2, 3]


def test_a_total_between_records_stays_a_record(tmp_path):
    found = rows(tmp_path, "NAM,MATINH,DAN_SO\n2025,01,10\n,Tổng,10\n2025,79,20\n", POPULATION)
    assert [r["row_number"] for r in found] == [2, 3, 4]


def test_quotes_and_line_breaks_in_cells(tmp_path):
    text = 'NAM,MATINH,CHI_TIEU,VAN_BAN\r\n2025,01,95,"Số ""546"",\r\nngày 1"\r\n2025,79,96," b "\r\n'
    found = rows(tmp_path, text)
    assert [(r["row_number"], r["instrument"]) for r in found] == [(2, 'Số "546",\r\nngày 1'), (3, "b")]


def test_one_bad_row_is_marked_and_costs_no_other(tmp_path):
    content = (
        b"NAM,MATINH,CHI_TIEU,VAN_BAN\n"
        b"2025,01,95,good\n"
        b"2025,02,95,a,b\n"  # a delimiter that does not stand in quotes
        b"2025,04,95,a,\n"  # the same, its last cell empty
        b"2025,06,9\x005,nul\n"
        b"2025,08,95,V\xffn\n"
        b"2025,10\n"  # short
        b'2025,11,95,6" pipe\n'  # a quote inside
        b'2025,12,95,"never closed\n' + "2025,14,95,Quyết định\n".encode()
    )
    found = rows(tmp_path, content)
    assert [(r["province"], r["row_flaw"]) for r in found] == [
        ("01", None), ("02", "too_many_cells"), ("04", "too_many_cells"), ("06", "nul_byte"), ("08", "undecodable"),
        ("10", None), ("11", None), ("12", None), ("14", None),
    ]  # fmt: skip
    assert [r["row_number"] for r in found] == list(range(2, 11))
    assert found[5]["instrument"] is None
    assert found[6]["instrument"] == '6" pipe'


def test_nul_alone_is_marked_on_the_fast_path(tmp_path):
    found = rows(tmp_path, TARGETS_TEXT.replace("95.5", "95\0.5"))
    assert [r["row_flaw"] for r in found] == ["nul_byte", None]


def test_a_delimiter_at_the_end_of_every_row_is_no_flaw(tmp_path):
    assert rows(tmp_path, TARGETS_TEXT.replace("546\n", "546,\n").replace("05\n", "05,\n")) == TARGETS_ROWS


def test_cells_are_stripped_and_empty_ones_null(tmp_path):
    found = rows(tmp_path, "NAM,MATINH,CHI_TIEU,VAN_BAN,NHOM\n 2025 ,\u00a001,95,  ,\t\n")
    assert found == [
        {"row_number": 2, "row_flaw": None, "year": "2025", "province": "01", "target_group": None, "target_pct": "95", "instrument": None}
    ]


def test_many_blocks_are_numbered_on(tmp_path, monkeypatch):
    monkeypatch.setattr("warehouse.readers.text.blocks.__defaults__", (512,))
    lines = [f"{n},01,95,Quyết định {n}" if n % 50 else f'{n},01,95,"Quyết\nđịnh {n}"' for n in range(2000, 2400)]
    found = rows(tmp_path, "Tiêu đề\nNAM,MATINH,CHI_TIEU,VAN_BAN\n" + "\n".join(lines) + "\n")
    assert [r["row_number"] for r in found] == list(range(3, 403))
    assert [r["year"] for r in found] == [str(n) for n in range(2000, 2400)]


def test_workbook_cells_keep_their_text(tmp_path):
    content = workbook(
        tmp_path,
        [
            [None, "DANH SÁCH THẺ"],
            [],
            [
                "Mã thẻ",
                "Họ và tên",
                "Ngày sinh",
                "Giới tính",
                "Mã tỉnh cư trú",
                "Giá trị thẻ từ",
                "Giá trị thẻ đến",
                "Số CCCD",
                "Mức hưởng",
            ],
            ["GD4220000000001", " Lê  A ", dt.date(1980, 2, 29), 1, "01", 45658, "31/12/2025", 79012345679.0, 4.0],
            ["0120000002", "Trần B", 1980, "Nữ", 79, "2025-01-01", None, "001080000001", 0.5],
            ["Tổng số: 2"],
        ],
    )
    first, second = rows(tmp_path, content, CARDS)
    assert first == {
        "row_number": 4, "row_flaw": None, "card_number": "GD4220000000001", "citizen_id": "79012345679", "full_name": "Lê  A",
        "birth_date": "1980-02-29 00:00:00", "sex": "1", "benefit_level": "4", "residence_province": "01", "valid_from": "45658",
        "valid_to": "31/12/2025",
    }  # fmt: skip
    assert (second["row_number"], second["card_number"], second["birth_date"], second["residence_province"], second["citizen_id"]) == (
        5, "0120000002", "1980", "79", "001080000001",
    )  # fmt: skip
    assert (second["valid_to"], second["benefit_level"]) == (None, "0.5")


def test_a_failed_formula_is_an_error_and_not_an_empty_cell(tmp_path):
    file = tmp_path / "formulas.xlsx"
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(2, 1, ["MATINH", "NAM", "CHI_TIEU", "VAN_BAN"])
        sheet.write_row(3, 1, ["01", "2025", "95.5", "Quyết định 546"])
        sheet.write_formula(3, 3, "=1/0", None, "#DIV/0!")
        sheet.write_row(4, 1, ["79", "2025", "96"])
        sheet.write_formula(4, 4, '=VLOOKUP("x",A1:B2,2,0)', None, "#N/A")
    assert [(r["row_number"], r["target_pct"], r["instrument"]) for r in rows(tmp_path, file.read_bytes())] == [
        (4, "#ERROR", "Quyết định 546"),
        (5, "96", "#ERROR"),
    ]


def test_every_sheet_with_the_header_is_read_and_numbered_on(tmp_path):
    header = ["NAM", "MATINH", "DAN_SO"]
    content = workbook(tmp_path, [["Hướng dẫn"]], [header, [2025, "01", 10]], [["Dân số"], header, [2025, "79", 20], [2025, "48", 30]])
    found = rows(tmp_path, content, POPULATION)
    assert [(r["row_number"], r["province"]) for r in found] == [(3, "01"), (6, "79"), (7, "48")]


def test_a_list_goes_on_in_a_sheet_of_the_same_width_without_a_header(tmp_path):
    header = ["NAM", "MATINH", "DAN_SO"]
    content = workbook(tmp_path, [header, [2025, "01", 10]], [[2025, "79", 20], [2025, "48", 30]], [["Ghi chú", "của tỉnh"]])
    assert [(r["row_number"], r["province"]) for r in rows(tmp_path, content, POPULATION)] == [(2, "01"), (3, "79"), (4, "48")]


def test_rows_of_a_sheet_that_lacks_a_required_column_are_not_lost(tmp_path):
    whole, lacking = ["NAM", "MATINH", "DAN_SO"], ["NAM", "DAN_SO"]
    found = rows(tmp_path, workbook(tmp_path, [whole, [2025, "01", 10]], [lacking, [2025, 20]]), POPULATION)
    assert [(r["row_number"], r.get("province"), r["population"]) for r in found] == [(2, "01", "10"), (4, None, "20")]


def test_another_table_beside_the_list_is_passed_over(tmp_path):
    content = workbook(tmp_path, [["NAM", "MATINH", "DAN_SO"], [2025, "01", 10]], [["Xã", "DAN_SO", "Ghi chú", "Cột"], ["A", 20, "", "x"]])
    assert len(rows(tmp_path, content, POPULATION)) == 1


def test_a_line_without_end_is_refused_and_not_gathered_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "LINE_LIMIT", 1 << 20)
    with pytest.raises(Refusal, match="a line is longer than 1 MB: the file has lost its line breaks; export it again"):
        rows(tmp_path, TARGETS_TEXT.replace("\n", ",") * 20_000)


def test_parquet_values_become_their_text(tmp_path):
    frame = pl.DataFrame(
        {
            "NAM": [2025, 2025],
            "MA_CSKCB": pl.Series(["01001", " 79012 "], dtype=pl.Categorical),
            "Dự toán (đồng)": [Decimal("1200000000.00"), Decimal("0.50")],
            "MATINH": [1.0, None],
        }
    )
    frame.write_parquet(tmp_path / "b.parquet")
    assert rows(tmp_path, (tmp_path / "b.parquet").read_bytes(), BUDGETS) == [
        {"row_number": 1, "row_flaw": None, "year": "2025", "facility_code": "01001", "province": "1", "budget": "1200000000"},
        {"row_number": 2, "row_flaw": None, "year": "2025", "facility_code": "79012", "province": None, "budget": "0.50"},
    ]


def test_parquet_dates_and_floats_have_no_exponent(tmp_path):
    frame = pl.DataFrame(
        {
            "MA_CSKCB": ["01001"] * 4,
            "TEN_CSKCB": ["A", "B", "C", ""],
            "MATINH": ["01"] * 4,
            "TU_NGAY": [dt.date(2025, 1, 2), None, None, None],
            "DEN_NGAY": [dt.datetime(2025, 1, 2, 3, 4), None, None, None],
            "HANG": [79012345679.0, 0.0000001, 1e22, float("nan")],
        }
    )
    frame.write_parquet(tmp_path / "f.parquet")
    found = rows(tmp_path, (tmp_path / "f.parquet").read_bytes(), FACILITIES)
    assert (found[0]["contract_from"], found[0]["contract_to"]) == ("2025-01-02", "2025-01-02 03:04:00")
    assert [r["hospital_class"] for r in found] == ["79012345679", "0.0000001", "10000000000000000000000", None]


PROFILE = """
export = "cards"
province = "22"
delimiter = ";"
[columns]
"Mã số của thẻ" = "MA_THE_BHYT"
"Nữ" = "GIOI_TINH"
[values.GIOI_TINH]
"x" = "2"
"" = "1"
"""


def test_a_profile_names_columns_and_values(tmp_path):
    header = "Mã số của thẻ;Họ tên;Ngày sinh;Nữ;Mã tỉnh;Từ ngày\n"
    text = header + "GD4220000000001;Lê A;1980;x;22;01/01/2025\nGD4220000000002;Lê B;1980;;22;01/01/2025\n"
    found = rows(tmp_path, text, CARDS, parse("22.toml", PROFILE.encode()))
    assert [(r["card_number"], r["sex"]) for r in found] == [("GD4220000000001", "2"), ("GD4220000000002", "1")]


def test_a_profile_may_fix_the_encoding(tmp_path):
    profile = Profile("targets", encoding="tcvn3")
    assert rows(tmp_path, TCVN3.encode("latin-1"), TARGETS, profile) == TARGETS_ROWS
    assert rows(tmp_path, VNI.encode("latin-1"), TARGETS, Profile("targets", encoding="vni")) == TARGETS_ROWS
    assert rows(tmp_path, TARGETS_TEXT.encode("utf-16-le"), TARGETS, Profile("targets", encoding="utf-16")) == TARGETS_ROWS
