"""A mail server: aiosmtpd, which prints every message it takes as one line of JSON.

Settings come as JSON in the first argument: `certificate` and `key` for TLS from the first byte, `user` and `password`
which are then demanded.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

settings = json.loads(sys.argv[1])


class Taker:
    refused_once = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 no such mailbox"
        if address.startswith("later") and not self.refused_once:
            self.refused_once = True
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = [part for part in message.walk() if not part.is_multipart()]
        print(json.dumps({
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "authenticated": bool(session.authenticated),
            "type": message.get_content_type(),
            "headers": {name.lower(): str(value) for name, value in message.items()},
            "defects": [str(defect) for part in [message, *parts] for defect in part.defects],
            "longest_line": max(len(line) for line in envelope.content.split(b"\r\n")),
            "parts": {part.get_content_type(): part.get_content() for part in parts},
        }), flush=True)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (settings["user"].encode(), settings["password"].encode())
    return AuthResult(success=good, handled=False)


def protocol():
    if "user" in settings:
        return SMTP(Taker.shared, authenticator=authenticate, auth_required=True, auth_require_tls=False)
    return SMTP(Taker.shared)


async def main():
    Taker.shared = Taker()
    tls = None
    if "certificate" in settings:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(settings["certificate"], settings["key"])
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(main())
