"""A file of police desks: stations (경찰서) and their boxes (지구대, 파출소, 치안센터)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast, get_args

from haven_server.importing.addresses import parse_address
from haven_server.importing.columns import Table, desk_table
from haven_server.importing.coordinates import read_coordinates
from haven_server.importing.desk_names import STATION, box_name, station_key, station_name
from haven_server.importing.drafts import DeskDraft, DeskType, Drafted, Import, Refused
from haven_server.importing.findings import FileRefusedError, Finding, FindingKind
from haven_server.importing.phones import read_phones
from haven_server.importing.reading import Row, read_sheet
from haven_server.importing.row_shape import RowReading, check_shape

_ABOLISHED = ("폐지", "폐쇄", "폐소")
