INCIDENT_PREFIX = "HV-"


def incident_name(incident_id: int) -> str:
    """Name of an incident as people say it and machines answer it: `HV-42`."""
    return f"{INCIDENT_PREFIX}{incident_id}"
