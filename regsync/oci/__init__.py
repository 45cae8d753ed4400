"""What the OCI specifications define, as values: pure, standard library only.

Nothing in here opens a file or a connection. Parsers are called `parse`, values are frozen
dataclasses, and `str(value)` is the form that the specifications write.
"""
