"""What findings say to a person, English and Korean: what is the matter, and what to do.

`{value}` is the doubtful value as the file has it, `{detail}` what `Finding.detail` holds.
"""

from typing import Literal

from haven_server.importing.findings import FindingKind

Language = Literal["en", "ko"]

FINDINGS: dict[FindingKind, tuple[str, str]] = {
    FindingKind.NAME_MISSING: (
        "The name is missing. Enter it and import again.",
        "이름이 없습니다. 이름을 적고 다시 가져오십시오.",
    ),
    FindingKind.ADDRESS_MISSING: (
        "The address is missing. Enter it and import again.",
        "주소가 없습니다. 주소를 적고 다시 가져오십시오.",
    ),
    FindingKind.STATION_MISSING: (
        "The police station is missing. Enter it and import again.",
        "경찰서 이름이 없습니다. 경찰서 이름을 적고 다시 가져오십시오.",
    ),
    FindingKind.HEADER_REPEATED: (
        "This row is the header once more; it is passed over.",
        "제목 행이 한 번 더 나옵니다. 이 행은 건너뜁니다.",
    ),
    FindingKind.DUPLICATE_ROW: (
        "Row {detail} already has this place. If they are two, give them different names.",
        "{detail}행과 같은 곳입니다. 서로 다른 곳이면 이름을 다르게 적으십시오.",
    ),
    FindingKind.CODE_TWICE: (
        "Row {detail} already has the code {value}. Each site has one code of its own.",
        "코드 {value} 이(가) {detail}행에 이미 있습니다. 코드는 곳마다 하나씩입니다.",
    ),
    FindingKind.CODE_UNREADABLE: (
        "The code “{value}” cannot be used: at most 32 letters, digits, full stops, hyphens and underscores.",
        "코드 “{value}” 을(를) 쓸 수 없습니다. 글자, 숫자, 마침표, 붙임표, 밑줄로 32자까지 쓸 수 있습니다.",
    ),
    FindingKind.CODE_OF_ANOTHER_KIND: (
        "The code {value} belongs to a site of the other kind (store or home). Check the code and the kind.",
        "코드 {value} 은(는) 종류(점포, 가정)가 다른 곳의 코드입니다. 코드와 종류를 확인하십시오.",
    ),
    FindingKind.SITE_KIND_UNKNOWN: (
        "The kind “{value}” is neither a store nor a home. Write 점포 (store) or 가정 (home).",
        "종류 “{value}” 을(를) 알 수 없습니다. “점포”나 “가정”으로 적으십시오.",
    ),
    FindingKind.DESK_TYPE_UNKNOWN: (
        "“{value}” is not a desk that a site can be assigned to ({detail}).",
        "“{value}” 은(는) 관할로 지정할 수 있는 관서가 아닙니다 ({detail}).",
    ),
    FindingKind.DESK_ABOLISHED: (
        "This police desk is marked as abolished ({value}).",
        "없어진 관서입니다 ({value}).",
    ),
    FindingKind.TOO_MANY_CELLS: (
        "{value} cells where the header has {detail}: a comma in a value is not quoted. Put the value in quotes.",
        "제목은 {detail}칸, 이 행은 {value}칸입니다. 쉼표가 든 값을 큰따옴표로 묶으십시오.",
    ),
    FindingKind.TOO_FEW_CELLS: (
        "{value} cells where the header has {detail}: the row may have been cut off. Complete it.",
        "제목은 {detail}칸, 이 행은 {value}칸입니다. 행이 잘렸을 수 있으니 채우십시오.",
    ),
    FindingKind.UNREADABLE_CHARACTERS: (
        "“{value}” has characters that cannot be read. Correct them and import again.",
        "“{value}” 에 읽을 수 없는 글자가 있습니다. 고치고 다시 가져오십시오.",
    ),
    FindingKind.TOO_LONG: (
        "“{value}” is longer than {detail} characters. Check that a quotation mark is not missing.",
        "“{value}” 값이 {detail}자보다 깁니다. 빠진 큰따옴표가 없는지 확인하십시오.",
    ),
    FindingKind.PHONE_MISSING: (
        "There is no phone number. The dispatcher can call nobody here; ask for one.",
        "전화번호가 없습니다. 연락할 번호를 받으십시오.",
    ),
    FindingKind.PHONE_PLACEHOLDER: (
        "“{value}” only fills the place of a phone number; it is left out. Ask for the number.",
        "“{value}” 은(는) 자리만 채운 번호라서 넣지 않습니다. 실제 번호를 받으십시오.",
    ),
    FindingKind.PHONE_SHARED: (
        "The number {value} also stands in row {detail}: it is probably an office's, not the store's. Ask for its own.",
        "{value} 번호가 {detail}행에도 있습니다. 점포가 아니라 사무실 번호일 수 있습니다. 점포 번호를 받으십시오.",
    ),
    FindingKind.PHONE_TRUNCATED: (
        "The number {value} is cut short (050 numbers have 12 digits, 010 numbers 11); it is kept. Ask for it.",
        "{value} 번호가 잘렸습니다(050 번호는 12자리, 010 번호는 11자리). 적힌 그대로 둡니다. 전체 번호를 받으십시오.",
    ),
    FindingKind.PHONE_UNREADABLE: (
        "“{value}” is not a phone number that exists; it is kept as written. Check it.",
        "“{value}” 은(는) 있을 수 없는 전화번호입니다. 적힌 그대로 둡니다. 확인하십시오.",
    ),
    FindingKind.PHONE_ZERO_LOST: (
        "The number {value} has lost the 0 at its beginning; it is dialled with it. Format the column as text.",
        "{value} 번호의 맨 앞 0이 없어졌습니다. 걸 때는 0을 붙입니다. 열의 서식을 텍스트로 바꾸십시오.",
    ),
    FindingKind.DISTRICT_UNKNOWN: (
        "“{value}” is not a district of Seoul; the address decides. Correct the district.",
        "“{value}” 은(는) 서울의 자치구가 아닙니다. 주소의 구를 따릅니다. 자치구를 고치십시오.",
    ),
    FindingKind.DISTRICT_CODE_OTHER_SYSTEM: (
        "The district code {value} is the statistics office's; the standard code is {detail}. The name decides.",
        "시군구코드 {value} 은(는) 통계청 코드입니다. 행정표준코드는 {detail}입니다. 이름을 따릅니다.",
    ),
    FindingKind.DISTRICT_CODE_UNKNOWN: (
        "The district code {value} does not belong to this district ({detail}). The name decides.",
        "시군구코드 {value} 은(는) 이 자치구의 코드가 아닙니다({detail}). 이름을 따릅니다.",
    ),
    FindingKind.ADDRESS_WITHOUT_DISTRICT: (
        "The address “{value}” names no district (column: {detail}). Officers may go to a street of the same name.",
        "주소 “{value}” 에 자치구가 없습니다(열의 값: {detail}). 다른 구의 같은 길로 갈 수 있으니 채우십시오.",
    ),
    FindingKind.ADDRESS_OTHER_DISTRICT: (
        "The column says {value}, the address {detail}. The address decides. Check which is right.",
        "열에는 {value}, 주소에는 {detail}(으)로 되어 있습니다. 주소를 따릅니다. 어느 쪽이 맞는지 확인하십시오.",
    ),
    FindingKind.ADDRESS_OUTSIDE_SEOUL: (
        "The address “{value}” is outside Seoul. Check that it belongs here.",
        "주소 “{value}” 은(는) 서울이 아닙니다. 맞는지 확인하십시오.",
    ),
    FindingKind.LOT_ADDRESS_AS_ROAD: (
        "“{value}” in the road-name column is a lot address; it is kept as it is. Ask for the road-name address.",
        "도로명주소 칸의 “{value}” 은(는) 지번주소입니다. 그대로 둡니다. 도로명주소를 받으십시오.",
    ),
    FindingKind.ROAD_ADDRESS_MISSING: (
        "There is no road-name address; the lot address “{value}” is used. Ask for the road-name address.",
        "도로명주소가 없어 지번주소 “{value}” 을(를) 씁니다. 도로명주소를 받으십시오.",
    ),
    FindingKind.COORDINATES_MISSING: (
        "There are no coordinates; the map shows no point, the address is shown.",
        "좌표가 없습니다. 지도에 점이 없고 주소만 보입니다.",
    ),
    FindingKind.COORDINATES_UNREADABLE: (
        "“{value}” are not degrees of latitude and longitude (metres of a map grid, perhaps); they are left out.",
        "“{value}” 은(는) 위도와 경도가 아닙니다(평면좌표일 수 있습니다). 좌표를 넣지 않습니다.",
    ),
    FindingKind.COORDINATES_OUTSIDE: (
        "The point {value} is not where the address is (outside Seoul, or outside Korea); it is left out.",
        "좌표 {value} 이(가) 주소와 다른 곳입니다(서울 밖 또는 나라 밖). 좌표를 넣지 않습니다.",
    ),
    FindingKind.COORDINATES_SHARED: (
        "Row {detail} with another address has the same point {value}; it is left out. Measure it anew.",
        "주소가 다른 {detail}행과 좌표 {value} 이(가) 같습니다. 좌표를 넣지 않습니다. 다시 재십시오.",
    ),
    FindingKind.COORDINATES_SWAPPED: (
        "Latitude and longitude are swapped ({value}); they are put right.",
        "위도와 경도가 바뀌어 있습니다({value}). 바로잡았습니다.",
    ),
    FindingKind.NAME_ONLY_BRAND: (
        "The name “{value}” is only the chain's; nobody can tell the stores apart by it. Ask for the store's name.",
        "이름 “{value}” 은(는) 상표뿐이라 점포를 구별할 수 없습니다. 지점 이름을 받으십시오.",
    ),
    FindingKind.DESK_ADDRESS_MISSING: (
        "The police desk has no address.",
        "관서의 주소가 없습니다.",
    ),
    FindingKind.DESK_UNKNOWN: (
        "No police desk is called “{value}”. Import the desks first, or correct the name.",
        "“{value}” 이라는 관서가 없습니다. 관서 목록을 먼저 가져오거나 이름을 고치십시오.",
    ),
    FindingKind.DESK_AMBIGUOUS: (
        "Which police desk is “{value}”? It may be: {detail}. Write its full name.",
        "“{value}” 이(가) 어느 관서인지 알 수 없습니다. 혹시: {detail}. 전체 이름을 적으십시오.",
    ),
    FindingKind.OPERATING_UNREADABLE: (
        "“{value}” does not say whether the site is operating. Write Y or N.",
        "“{value}” (으)로는 운영 여부를 알 수 없습니다. Y나 N으로 적으십시오.",
    ),
    FindingKind.POSSIBLY_MOVED: (
        "This may be {detail}, which has this name at another address. If so, write that code in the row.",
        "이름이 같고 주소가 다른 {detail} 일 수 있습니다. 같은 곳이면 이 행에 그 코드를 적으십시오.",
    ),
    FindingKind.POSSIBLY_RENAMED: (
        "This may be {detail}, which is in this building under another name. If so, write that code in the row.",
        "같은 건물에 다른 이름으로 있던 {detail} 일 수 있습니다. 같은 곳이면 이 행에 그 코드를 적으십시오.",
    ),
    FindingKind.CODE_NEW_AT_KNOWN_PLACE: (
        "The code {value} is new, but {detail} has this name and address. Check the code.",
        "코드 {value} 은(는) 처음 나오는데, {detail} 의 이름과 주소가 이와 같습니다. 코드를 확인하십시오.",
    ),
    FindingKind.SAME_PLACE: (
        "Row {detail} is in the same building. Floor and door should tell them apart.",
        "{detail}행과 같은 건물입니다. 층과 호수로 구별되는지 확인하십시오.",
    ),
    FindingKind.COORDINATES_CONVERTED: (
        "The coordinates are in degrees, minutes and seconds ({value}); they were converted to decimal degrees.",
        "좌표가 도분초({value})로 되어 있어 십진수로 바꾸었습니다.",
    ),
    FindingKind.CLOSED: (
        "The site is marked as not operating ({value}); it is imported as closed.",
        "운영하지 않는 곳({value})입니다. 운영하지 않음으로 가져옵니다.",
    ),
    FindingKind.DOUBLE_SPACES: (
        "“{value}” has double spaces or line breaks; it is kept as it is.",
        "“{value}” 에 겹친 공백이나 줄바꿈이 있습니다. 그대로 둡니다.",
    ),
    FindingKind.MISSING_GAP: (
        "In “{value}” the space between the road and the number is missing; it is kept as it is.",
        "“{value}” 의 도로명과 건물번호 사이에 공백이 없습니다. 그대로 둡니다.",
    ),
    FindingKind.YEAR_UNREADABLE: (
        "“{value}” is not a year; it is left out.",
        "“{value}” 은(는) 연도가 아니라서 넣지 않습니다.",
    ),
    FindingKind.POSTAL_CODE_UNREADABLE: (
        "“{value}” is not a postal code of five digits; it is left out.",
        "“{value}” 은(는) 다섯 자리 우편번호가 아니라서 넣지 않습니다.",
    ),
    FindingKind.STATION_WITHOUT_ROW: (
        "The file has no row for {detail} itself; it is entered without an address, as its boxes belong to it.",
        "{detail} 자체의 행이 없습니다. 소속 관서가 있으므로 주소 없이 넣습니다.",
    ),
}


def finding_words(kind: FindingKind, value: str, detail: str, language: Language) -> str:
    """What a finding says."""
    return FINDINGS[kind][language == "ko"].format(value=value, detail=detail)
