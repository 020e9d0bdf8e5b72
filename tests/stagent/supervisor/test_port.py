"""The port is taken first, and a person is told in plain words when it cannot be had."""

import os
import socket

import pytest

from stagent.supervisor.port import CannotListen, address_of, bind


def test_any_free_port_will_do_when_none_is_named():
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert address_of(listener) == f"http://127.0.0.1:{port}/"
        socket.create_connection(("127.0.0.1", port)).close()


def test_a_taken_port_is_named_with_the_command_that_takes_another():
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"{port} on 127\.0\.0\.1 is taken.*make run PORT={port + 1}"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "says"),
    [
        ("127.0.0.1", 70_000, "70000 is not a port"),
        ("127.0.0.1", -1, "-1 is not a port"),
        ("no.such.host.invalid", 0, "is not an address"),
        ("a" * 80, 0, "is not an address"),
        ("192.0.2.1", 0, "is not an address of this machine"),
    ],
)
def test_what_cannot_be_listened_on_is_said_plainly(host, port, says):
    with pytest.raises(CannotListen, match=says):
        bind(host, port)


def test_everywhere_is_opened_here():
    with bind("0.0.0.0", 0) as listener:
        assert address_of(listener).startswith("http://127.0.0.1:")


def test_an_ipv6_address_stands_in_brackets():
    if not os.path.exists("/proc/net/if_inet6"):  # noqa: PTH110
        return
    with bind("::1", 0) as listener:
        assert address_of(listener).startswith("http://[::1]:")
