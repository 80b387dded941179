"""The configuration file that a new box starts with: who it is, and whom it talks to. Inputs depend on the wiring."""

import json
from collections.abc import Sequence

NAME = "device.toml"

_TEXT = """\
# Box {device_id}{place}. This folder goes to the box as /etc/haven. Paths are relative to this file.
# `haven-device doctor --config /etc/haven/{name}` checks everything below and says what to mend.
device_id = {device_id_text}
data_dir = "/var/lib/haven-device"

[broker]
# In the order of preference: without a receipt within 10 s, the next one.
addresses = [{addresses}]
ca = "server-ca.crt"
certificate = "device.crt"
key = "device.key"

# The wired button at the counter: a contact between this GPIO (BCM number) and ground.
[[button]]
name = "counter"
pin = 17

[indicator]
led_pin = 22

# Wireless pendants: take away the # and put in what `haven-device doctor` shows after a press.
# [receiver]
# driver = "rflink"
# port = "/dev/serial/by-id/..."
#
# [[pendant]]
# id = "0a1b2c"
"""


def box_config(device_id: str, site: str | None, brokers: Sequence[str]) -> str:
    """TOML for one box. `brokers` are `host:port`; `site` is only a remark, the server knows where the box is."""
    return _TEXT.format(
        device_id=device_id,
        device_id_text=json.dumps(device_id),
        place=f" of site {json.dumps(site, ensure_ascii=False)}" if site else "",
        name=NAME,
        addresses=", ".join(json.dumps(address) for address in brokers),
    )
