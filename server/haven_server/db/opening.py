"""The database and the key of its sealed data belong together: a server starts with both that fit, or not at all."""

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from haven_server.db.database import Database, lock_for_transaction
from haven_server.models import SealedProof
from haven_server.problems import Misconfigured
from haven_server.vault import Vault, make_key_file

_PROOF = b"this database's data key"


def open_vault(database: Database, key_file: Path) -> Vault:
    """Vault of the database. A new database gets a new key; Misconfigured if there is another one already, or none."""
    return database.writer.run(lambda session: _fitting_vault(session, key_file))


def _fitting_vault(session: Session, key_file: Path) -> Vault:
    lock_for_transaction(session, "sealed proof")
    proof = session.scalars(select(SealedProof)).first()
    if not key_file.exists():
        if proof is not None:
            raise Misconfigured(
                f"the data key {key_file} is missing, and this database has sealed data: copy the key from the backup,"
                " or from another server at the same database"
            )
        make_key_file(key_file)
    vault = Vault.of_file(key_file)
    if proof is None:
        session.add(SealedProof(id=1, sealed=vault.seal(_PROOF)))
    else:
        try:
            vault.open(proof.sealed)
        except Misconfigured:
            raise Misconfigured(
                f"the data key {key_file} is not that of this database: copy the right one from the backup, or from"
                " another server at the same database"
            ) from None
    return vault
