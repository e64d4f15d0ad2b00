"""One request on a connection of its own, and honest about it: nothing is tried twice behind the caller's back."""

import http.client
import socket
import urllib.parse

from history import now

HOST = "login.cluster.example"
ORIGIN = f"https://{HOST}"
CONNECT, ANSWER = 2, 12


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return self.headers.get(name, "")

    def location(self):
        """Path and parameters of a redirect."""
        target = urllib.parse.urlsplit(self.header("location"))
        place = target.path if target.netloc in ("", HOST) else f"{target.scheme}://{target.netloc}{target.path}"
        return place, dict(urllib.parse.parse_qsl(target.query))


class Lost(Exception):
    """No answer; `outcome` says what is known of it."""

    def __init__(self, outcome, detail):
        super().__init__(detail)
        self.outcome, self.detail = outcome, detail


def send(address, method, target, headers=None, body=None):
    connection = http.client.HTTPConnection(address, 4000, timeout=CONNECT)
    try:
        connection.connect()
    except OSError as cause:
        raise Lost("unsent", str(cause)) from None
    try:
        connection.sock.settimeout(ANSWER)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own = {"host": HOST, "x-forwarded-proto": "https", "connection": "close", **(headers or {})}
        connection.request(method, target, body, own)
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode())
    except (OSError, http.client.HTTPException) as cause:
        raise Lost("unknown", f"{type(cause).__name__} {cause}") from None
    finally:
        connection.close()


def form(fields):
    return {"content-type": "application/x-www-form-urlencoded"}, urllib.parse.urlencode(fields)


def timed(ask):
    """When it began and ended, and its answer or how it was lost."""
    begin = now()
    try:
        answer = ask()
    except Lost as lost:
        return begin, now(), None, lost
    if answer.status == 503:
        return begin, now(), answer, Lost("unknown", "503")
    return begin, now(), answer, None
