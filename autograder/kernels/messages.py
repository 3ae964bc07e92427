"""Send messages over a stream socket, each after its length. A message is bytes; both sides agree on what they mean."""

import socket
import struct

HEAD = struct.Struct(">Q")
PIECE = 1 << 20  # bytes that are read at once: a length that is only claimed costs no memory


def send(connection: socket.socket, message: bytes) -> None:
    """Send a message.

    Raises:
        OSError: The other side is gone.
    """
    connection.sendall(HEAD.pack(len(message)))
    connection.sendall(message)


def receive(connection: socket.socket, most: int) -> bytes:
    """Wait for a message and return it.

    Args:
        connection: The socket.
        most: How many bytes the message may have.

    Raises:
        EOFError: The other side has closed the connection.
        ValueError: The message is longer.
        OSError: The connection is broken.
    """
    (size,) = HEAD.unpack(_exactly(connection, HEAD.size))
    if size > most:
        raise ValueError(f"a message of {size} bytes, where {most} are allowed")
    return _exactly(connection, size)


def _exactly(connection: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        piece = connection.recv(min(PIECE, size - len(content)))
        if not piece:
            raise EOFError
        content += piece
    return bytes(content)
