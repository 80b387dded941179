"""What boxes and dispatch servers say to one another over MQTT 5: every topic and every message, version 1.

Plain dataclasses and the standard library's JSON, because the box carries no more than it needs.
"""
