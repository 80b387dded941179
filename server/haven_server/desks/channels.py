"""Use cases of the channels through which a desk is reached. The sealed secret is its text, `whsec_…`."""

import base64
import secrets

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from haven_server.core import Core
from haven_server.desks.forms import SECRET_BYTES, SECRET_PREFIX, ChannelForm, SavedChannel
from haven_server.desks.lookup import channel_view, desk_by_id
from haven_server.models import Delivery, DeskChannel
from haven_server.problems import Conflict, NotFound
from haven_server.staff.access import Actor, May
from haven_server.staff.audit import write_audit


def put_channel(core: Core, actor: Actor, desk_id: int, rank: int, form: ChannelForm) -> SavedChannel:
    """Create the desk's channel of that rank, or replace it."""
    actor.require(May.CHANGE_REGISTRY)
    now = core.clock.now()

    def job(session: Session) -> SavedChannel:
        desk_by_id(session, desk_id)
        channel = _channel(session, desk_id, rank)
        made = None
        if channel is None:
            made = None if form.secret else new_secret()
            channel = DeskChannel(desk_id=desk_id, rank=rank)
            session.add(channel)
        secret = form.secret or made
        if secret is not None:
            channel.sealed_secret = core.vault.seal(secret.encode())
        channel.kind, channel.url, channel.enabled = form.kind, form.url, form.enabled
        channel.timeout_s, channel.concurrency = form.timeout_s, form.concurrency
        session.flush()
        write_audit(
            session, now, actor, "save channel", f"desk {desk_id} channel {rank}",
            enabled=form.enabled, new_secret=secret is not None,
        )  # fmt: skip
        return SavedChannel(**channel_view(channel, urls=True).model_dump(), secret=made)

    return core.database.writer.run(job)


def delete_channel(core: Core, actor: Actor, desk_id: int, rank: int) -> None:
    """Delete a channel that nothing was ever sent through; of another the record stays, and it can be disabled."""
    actor.require(May.CHANGE_REGISTRY)
    now = core.clock.now()

    def job(session: Session) -> None:
        channel = _channel(session, desk_id, rank)
        if channel is None:
            raise NotFound(f"desk {desk_id} has no channel {rank}")
        if session.execute(select(Delivery.id).where(Delivery.channel_id == channel.id).limit(1)).first():
            raise Conflict("alarms went through this channel, so its record stays; set enabled to false instead")
        session.execute(delete(DeskChannel).where(DeskChannel.id == channel.id))
        write_audit(session, now, actor, "delete channel", f"desk {desk_id} channel {rank}")

    core.database.writer.run(job)


def new_secret() -> str:
    """A secret for signing webhooks."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES[0])).decode()


def _channel(session: Session, desk_id: int, rank: int) -> DeskChannel | None:
    return session.scalars(select(DeskChannel).where(DeskChannel.desk_id == desk_id, DeskChannel.rank == rank)).first()
