"""A made-up city: a few hundred convenience stores and police stations in districts of Seoul. No store is real."""

import csv
import io
from random import Random

SEED = 112
_DISTRICTS = {
    "강남구": ("서울강남경찰서", 37.5172, 127.0473),
    "마포구": ("서울마포경찰서", 37.5663, 126.9014),
    "종로구": ("서울종로경찰서", 37.5735, 126.9788),
    "송파구": ("서울송파경찰서", 37.5145, 127.1066),
    "은평구": ("서울은평경찰서", 37.6027, 126.9291),
    "노원구": ("서울노원경찰서", 37.6542, 127.0568),
    "구로구": ("서울구로경찰서", 37.4955, 126.8876),
    "성북구": ("서울성북경찰서", 37.5894, 127.0167),
}
_CHAINS = ("별편의점", "달편의점", "해편의점", "온마트24")
_ROADS = ("가온로", "나래로", "다솜길", "라온길", "마루로", "바다로", "사랑길", "아침로", "하늘로", "푸른길")
_PLACES = ("역앞점", "공원점", "시장점", "학교앞점", "사거리점", "중앙점", "은빛점", "새벽점")
_COLUMNS = (
    "코드",
    "점포명",
    "시군구명",
    "도로명주소",
    "상세주소",
    "지번주소",
    "우편번호",
    "위도",
    "경도",
    "전화번호",
    "지정연도",
    "운영여부",
)
STORES = 320


def stores_file(number: int = STORES) -> bytes:
    """CSV of stores as a district hands it out, UTF-8. Codes are `DEMO-0001` and so on."""
    random = Random(SEED)  # noqa: S311 - invented stores, the same each time
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    districts = list(_DISTRICTS)
    for place in range(1, number + 1):
        district = districts[(place - 1) % len(districts)]
        _, lat, lon = _DISTRICTS[district]
        road, house = random.choice(_ROADS), random.randint(1, 240)
        writer.writerow(
            [
                f"DEMO-{place:04}",
                f"{random.choice(_CHAINS)} {district[:-1]}{random.choice(_PLACES)} {place}",
                district,
                f"서울특별시 {district} {road} {house}",
                "1층",
                f"서울특별시 {district} 가상동 {place}-{house}",
                f"0{random.randint(1000, 8999)}",
                f"{lat + random.uniform(-0.012, 0.012):.6f}",
                f"{lon + random.uniform(-0.012, 0.012):.6f}",
                f"02-{random.randint(300, 899)}-{place:04}",
                random.randint(2014, 2024),
                "Y",
            ]
        )
    return out.getvalue().encode()


def stations() -> dict[str, str]:
    """Police station of each district."""
    return {district: station for district, (station, _, _) in _DISTRICTS.items()}
