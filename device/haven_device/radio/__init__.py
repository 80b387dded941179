"""Radio receivers without any I/O: bytes in, frames out. One module per receiver, one table of them all."""
