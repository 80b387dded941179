"""Seoul's 25 districts, their codes in two systems that share numbers, and the edges of the map."""

DISTRICT_CODES = {
    "종로구": ("11110", "11010"),
    "중구": ("11140", "11020"),
    "용산구": ("11170", "11030"),
    "성동구": ("11200", "11040"),
    "광진구": ("11215", "11050"),
    "동대문구": ("11230", "11060"),
    "중랑구": ("11260", "11070"),
    "성북구": ("11290", "11080"),
    "강북구": ("11305", "11090"),
    "도봉구": ("11320", "11100"),
    "노원구": ("11350", "11110"),
    "은평구": ("11380", "11120"),
    "서대문구": ("11410", "11130"),
    "마포구": ("11440", "11140"),
    "양천구": ("11470", "11150"),
    "강서구": ("11500", "11160"),
    "구로구": ("11530", "11170"),
    "금천구": ("11545", "11180"),
    "영등포구": ("11560", "11190"),
    "동작구": ("11590", "11200"),
    "관악구": ("11620", "11210"),
    "서초구": ("11650", "11220"),
    "강남구": ("11680", "11230"),
    "송파구": ("11710", "11240"),
    "강동구": ("11740", "11250"),
}
"""District: its code in the administrative standard code (행정표준코드, the one public files should use) and in the
statistics office's code (통계청). 11230 is 동대문구 in the first and 강남구 in the second."""

DISTRICTS = frozenset(DISTRICT_CODES)

PROVINCES = {
    "서울": ("서울특별시", "서울시", "서울"),
    "부산": ("부산광역시", "부산시", "부산"),
    "대구": ("대구광역시", "대구시", "대구"),
    "인천": ("인천광역시", "인천시", "인천"),
    "광주": ("광주광역시", "광주"),
    "대전": ("대전광역시", "대전시", "대전"),
    "울산": ("울산광역시", "울산시", "울산"),
    "세종": ("세종특별자치시", "세종시", "세종"),
    "경기": ("경기도", "경기"),
    "강원": ("강원특별자치도", "강원도", "강원"),
    "충북": ("충청북도", "충북"),
    "충남": ("충청남도", "충남"),
    "전북": ("전북특별자치도", "전라북도", "전북"),
    "전남": ("전라남도", "전남"),
    "경북": ("경상북도", "경북"),
    "경남": ("경상남도", "경남"),
    "제주": ("제주특별자치도", "제주도", "제주"),
}
"""Province or metropolitan city in short, and how addresses begin with it."""

SEOUL_BOX = (37.41, 37.72, 126.73, 127.21)
"""South, north, west, east of Seoul in degrees (WGS 84), rounded outwards by about a kilometre."""
KOREA_BOX = (33.0, 39.0, 124.0, 132.0)


def inside(box: tuple[float, float, float, float], lat: float, lon: float) -> bool:
    """Whether a point lies in the box."""
    south, north, west, east = box
    return south <= lat <= north and west <= lon <= east
