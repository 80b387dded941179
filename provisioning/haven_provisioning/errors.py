"""Errors of the technician's tool. Their texts are shown as they are: what is wrong, and what to do."""


class ProvisioningError(Exception):
    """Something the technician has to know; the text says what and what to do."""


class AlreadyThereError(ProvisioningError, FileExistsError):
    """Would overwrite a key that cannot be made again."""


class NotThereError(ProvisioningError, LookupError):
    """A file or a device that was named does not exist."""


class WrongInputError(ProvisioningError, ValueError):
    """A name, request or setting cannot be used."""


class ServerError(ProvisioningError):
    """The dispatch server refused, or could not be reached."""


class UnknownToServerError(ServerError, LookupError):
    """The dispatch server has never heard of this box."""


class BrokerError(ProvisioningError):
    """The broker did not take what it was told."""
