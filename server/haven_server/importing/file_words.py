"""Why a whole file is refused and what to do, English and Korean."""

from haven_server.importing.findings import FileProblem, FileRefusal
from haven_server.importing.words import Language

FILE_PROBLEMS: dict[FileProblem, tuple[str, str]] = {
    FileProblem.EMPTY: ("The file is empty. Export it again.", "빈 파일입니다. 다시 내보내십시오."),
    FileProblem.ONLY_HEADER: (
        "The file has a header and no rows below it. Export it again with its rows.",
        "제목 행만 있고 내용이 없습니다. 내용이 있는 파일로 다시 내보내십시오.",
    ),
    FileProblem.TOO_LARGE: (
        "The file has {detail} MB; at most {known} MB are read. Split it, or export only the table.",
        "파일이 {detail} MB입니다. {known} MB까지 읽습니다. 나누거나 표만 내보내십시오.",
    ),
    FileProblem.TOO_MANY_ROWS: (
        "The file has more than {known} rows. Split it.",
        "행이 {known}개보다 많습니다. 파일을 나누십시오.",
    ),
    FileProblem.PDF: (
        "This is a PDF. Ask for the table as CSV or as an Excel file (.xlsx).",
        "PDF 파일입니다. CSV나 엑셀(.xlsx)로 된 표를 받으십시오.",
    ),
    FileProblem.ARCHIVE: (
        "This is an archive (zip or similar) or another office format. Unpack it, or save the table as CSV or .xlsx.",
        "압축 파일이거나 다른 문서 형식입니다. 압축을 풀거나 CSV 또는 .xlsx로 저장하십시오.",
    ),
    FileProblem.IMAGE: (
        "This is a picture. Ask for the table as CSV or as an Excel file (.xlsx).",
        "그림 파일입니다. CSV나 엑셀(.xlsx)로 된 표를 받으십시오.",
    ),
    FileProblem.WEB_PAGE: (
        "This is a web page or program data, not a table. Open the link in a browser and use its CSV download.",
        "표가 아니라 웹 페이지나 프로그램 자료입니다. 브라우저에서 링크를 열어 CSV로 내려받으십시오.",
    ),
    FileProblem.OLD_EXCEL: (
        "An old Excel (.xls) or Hangul file, or one with a password. Save it as .xlsx or CSV without a password.",
        "옛 엑셀(.xls)이나 한글 파일이거나 암호가 걸려 있습니다. 열어서 암호 없이 .xlsx나 CSV로 저장하십시오.",
    ),
    FileProblem.DAMAGED: (
        "The Excel file is damaged. Open it in Excel and save it anew, or export it again.",
        "엑셀 파일이 손상되었습니다. 엑셀에서 열어 새로 저장하거나 다시 내보내십시오.",
    ),
    FileProblem.ENCODING: (
        "The text cannot be read in any known encoding. Save it as CSV UTF-8.",
        "글자를 읽을 수 없습니다. “CSV UTF-8”로 저장하십시오.",
    ),
    FileProblem.OPEN_QUOTE: (
        "From row {detail} on, a quotation mark is not closed or stands within a value. Correct it there.",
        "{detail}행부터 큰따옴표가 닫히지 않았거나 값 가운데에 있습니다. 그곳을 고치십시오.",
    ),
    FileProblem.COLUMN_MISSING: (
        "A column is missing; it may be called any of: {detail}. Columns that are read: {known}.",
        "열이 하나 없습니다. 쓸 수 있는 이름: {detail}. 읽는 열: {known}.",
    ),
    FileProblem.COLUMN_TWICE: (
        "Two columns say the same: {detail}. Remove or rename one of them.",
        "같은 뜻의 열이 둘 있습니다: {detail}. 하나를 지우거나 이름을 바꾸십시오.",
    ),
    FileProblem.DESKS_NOT_SITES: (
        "This is a list of police desks, not of sites. Import it with: haven-server desks import FILE",
        "점포 목록이 아니라 경찰 관서 목록입니다. 이렇게 가져오십시오: haven-server desks import FILE",
    ),
    FileProblem.SITES_NOT_DESKS: (
        "This is a list of sites, not of police desks. Import it with: haven-server sites import FILE",
        "경찰 관서 목록이 아니라 점포 목록입니다. 이렇게 가져오십시오: haven-server sites import FILE",
    ),
}


def refusal_words(refusal: FileRefusal, language: Language) -> str:
    """Why a file is refused, and what to do."""
    return FILE_PROBLEMS[refusal.problem][language == "ko"].format(detail=refusal.detail, known=refusal.known)
