"""Where a webhook may go: hosts of the public internet, connected to by the address checked.

A name is resolved once and the connection goes to that very address, so no second answer of
a resolver counts; a redirect is never followed; nothing of the receiver's reply but its
status is read.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from jobs.errors import InvalidInput

TIMEOUT_SECONDS = 10.0
LONGEST_URL = 2000
NOT_PUBLIC = "refused: its host is unknown, or not of the public internet"
"""Said of both alike: who may add a hook learns no names that mean something within."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(Exception):
    """The receiver could not be asked; the text says why, and nothing of its reply."""


def check_url(url: str, *, may_be_private: bool) -> str:
    """``url`` as it was given; InvalidInput when it is none, or plainly not of the internet."""
    parts = _split(url)
    host = (parts.hostname or "").rstrip(".").lower()
    is_local = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    literal = _literal(host)
    if not may_be_private and (is_local or (literal is not None and not is_public(literal))):
        raise InvalidInput(
            "url: expected an address of the public internet; HITWORKS_HOOK_PRIVATE_ADDRESSES "
            "allows others"
        )
    return url


def is_public(address: IPAddress) -> bool:
    """Whether an address, and any IPv4 address it stands for, is of the public internet."""
    inner: IPAddress | None = None
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address.teredo is not None:
            inner = address.teredo[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def post(url: str, body: bytes, headers: Mapping[str, str], *, may_be_private: bool) -> int:
    """The status that the receiver answers.

    Raises:
        Unreachable: when its host is refused, unknown or silent.

    """
    parts = _split(url)
    host, is_https = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if is_https else 80)
    address = checked_address(host, port, may_be_private=may_be_private)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    connection.default_port = 443 if is_https else 80
    end_of_patience = threading.Timer(2 * TIMEOUT_SECONDS, _hang_up, (connection,))
    try:
        connection.sock = _connect(address, port, host if is_https else "")
        end_of_patience.start()
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"no answer ({type(error).__name__})") from error
    finally:
        end_of_patience.cancel()
        connection.close()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """End a reply that trickles on: each byte in time, the whole of it never."""
    if connection.sock is not None:
        with contextlib.suppress(OSError):  # it has just ended by itself
            connection.sock.shutdown(socket.SHUT_RDWR)


def _connect(address: str, port: int, tls_name: str) -> socket.socket:
    plain = socket.create_connection((address, port), timeout=TIMEOUT_SECONDS)
    if not tls_name:
        return plain
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=tls_name)
    except (OSError, ValueError):
        plain.close()
        raise


def checked_address(host: str, port: int, *, may_be_private: bool) -> str:
    """The one address of ``host`` to connect to: of a name that stands for several, the first.

    Raises:
        Unreachable: for an unknown host, or one of whose addresses is not public.

    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("unknown host" if may_be_private else NOT_PUBLIC) from error
    addresses = [str(entry[4][0]) for entry in found]
    if not may_be_private:
        for text in addresses:
            if not is_public(ipaddress.ip_address(text.partition("%")[0])):
                raise Unreachable(NOT_PUBLIC)
    return addresses[0]


def _split(url: str) -> SplitResult:
    fault = f"url: expected https://host/path of at most {LONGEST_URL:,} characters"
    is_plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if not is_plain or len(url) > LONGEST_URL:
        raise InvalidInput(f"{fault}, plain ASCII without spaces")
    try:
        parts = urlsplit(url)
        is_port = parts.port is None or parts.port > 0
    except ValueError as error:
        raise InvalidInput(f"{fault}; the host or port is none") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_port:
        raise InvalidInput(f"{fault} (http for a receiver of your own)")
    if "@" in parts.netloc or parts.fragment:
        raise InvalidInput(f"{fault}, without a name, password or fragment")
    return parts


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
