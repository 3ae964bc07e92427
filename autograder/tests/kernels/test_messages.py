"""Messages over a socket: what is sent arrives, and a length alone costs nothing."""

import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.kernels import messages
from autograder.kernels.messages import HEAD


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


@given(st.lists(st.binary(max_size=300)))
def test_messages_arrive_as_they_were_sent(contents: list[bytes]) -> None:
    one, other = socket.socketpair()
    with one, other:
        for content in contents:
            messages.send(one, content)
        assert [messages.receive(other, 300) for _ in contents] == contents


def test_a_message_can_be_larger_than_what_the_socket_holds(pair: tuple[socket.socket, socket.socket]) -> None:
    content = bytes(5 << 20)
    sender = threading.Thread(target=messages.send, args=(pair[0], content))
    sender.start()
    assert messages.receive(pair[1], len(content)) == content
    sender.join()


def test_a_length_above_the_limit_is_refused_before_anything_is_read(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    pair[0].sendall(HEAD.pack(1 << 60))
    with pytest.raises(ValueError, match=r"^a message of 1152921504606846976 bytes"):
        messages.receive(pair[1], 1 << 20)


@pytest.mark.parametrize("sent", [b"", HEAD.pack(9)[:5], HEAD.pack(9) + b"short"])
def test_a_message_that_breaks_off_is_the_end(pair: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    pair[0].sendall(sent)
    pair[0].close()
    with pytest.raises(EOFError):
        messages.receive(pair[1], 100)


def test_nobody_there_to_send_to_is_an_error(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[1].close()
    with pytest.raises(OSError, match="pipe"):
        messages.send(pair[0], b"x")
