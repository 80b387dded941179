"""The chains whose stores are safe houses, as their names begin."""

import re
import unicodedata

_SPELLINGS = {
    "CU": ("cu", "씨유"),
    "GS25": ("gs25", "지에스25"),
    "세븐일레븐": ("세븐일레븐", "7-eleven", "7eleven", "세븐일래븐"),
    "미니스톱": ("미니스톱", "ministop"),
    "이마트24": ("이마트24", "emart24"),
    "씨스페이스": ("씨스페이스", "c·space", "cspace"),
    "위드미": ("위드미", "withme"),
    "스토리웨이": ("스토리웨이", "storyway"),
}


def brand_of(name: str) -> str:
    """The chain a store's name begins with, else an empty text."""
    return next((brand for brand, spellings in _SPELLINGS.items() if _plain(name).startswith(spellings)), "")


def is_only_brand(name: str) -> bool:
    """Whether the name is no more than the chain's, as of 20 stores of one district's real list."""
    return any(_plain(name) in spellings for spellings in _SPELLINGS.values())


def _plain(name: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", name).casefold())
