"""The dispatch server: takes alarms from the boxes, opens incidents, tells the police desk, answers the clerk."""
