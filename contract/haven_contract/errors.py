class ContractError(ValueError):
    """The bytes, topic or value is not of the contract; the text says which part and what is expected."""
