"""Firmware of the Haven box: buttons and pendants in, alarms out to dispatch, and a light for the clerk."""
