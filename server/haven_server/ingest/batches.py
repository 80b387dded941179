import queue

from haven_server.ingest.connection import Delivered

WAIT_S = 0.25


def take_batch(inbox: "queue.Queue[Delivered]", most: int) -> list[Delivered]:
    """Whatever waits, at most so many; waits a moment for the first, never for a further one."""
    batch: list[Delivered] = []
    try:
        batch.append(inbox.get(timeout=WAIT_S))
        while len(batch) < most:
            batch.append(inbox.get_nowait())
    except queue.Empty:
        return batch
    return batch
