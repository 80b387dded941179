"""A police desk's own system that answers webhooks as a test tells it to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from haven_demo.desk import WAIT_S, Call, PoliceDesk

__all__ = ["SECRET", "Behave", "Call", "WebhookDesk", "webhook_desk"]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # a published example of Standard Webhooks

Behave = Callable[[Call], None]


class WebhookDesk(PoliceDesk):
    """`behaviours` are for the first calls, one each; `behave` for all further ones."""

    def __init__(self) -> None:
        super().__init__(SECRET)
        self.behave: Behave = Call.answer
        self.behaviours: list[Behave] = []
        self.released = threading.Event()
        """Set at the end, so that nobody who was made to wait stays behind."""

    def respond(self, call: Call) -> None:
        try:
            behave = self.behaviours.pop(0)
        except IndexError:
            behave = self.behave
        behave(call)

    def wait(self, call: Call) -> None:
        """As a desk does that never answers."""
        self.released.wait(WAIT_S)
        call.handler.close_connection = True


@contextmanager
def webhook_desk() -> Iterator[WebhookDesk]:
    """A desk at a port of its own."""
    with WebhookDesk() as desk:
        try:
            yield desk
        finally:
            desk.released.set()
