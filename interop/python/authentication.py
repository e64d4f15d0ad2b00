"""auth0-python: sign-up, sign-in, refresh, revocation, mailed codes, a user who is asked elsewhere, and a blocked account."""

import json
import re
import sys

import requests
from auth0.authentication import Database, GetToken, Passwordless, RevokeToken, Users
from auth0.authentication.back_channel_login import BackChannelLogin
from auth0.authentication.exceptions import Auth0Error
from auth0.authentication.pushed_authorization_requests import PushedAuthorizationRequests
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier

settings = json.loads(sys.argv[1])
domain, client_id, email = settings["domain"], settings["client_id"], settings["email"]
own = (domain, client_id, settings["client_secret"])
issuer = f"https://{domain}/"
password, realm = "Correct-Horse-7", "Username-Password-Authentication"
tokens = GetToken(*own)
verifier = TokenVerifier(AsymmetricSignatureVerifier(f"{issuer}.well-known/jwks.json"), issuer, client_id)


def log_in(typed):
    wanted = "openid email offline_access read:contacts"
    return tokens.login(
        username=email, password=typed, realm=realm, scope=wanted, audience=settings["audience"]
    )


def refused(call):
    try:
        call()
    except Auth0Error as error:
        return [error.status_code, error.error_code]
    return None


def newest_mail(pattern):
    mails = requests.get(settings["mail"], headers={"accept": "application/json"}, timeout=5).json()["mails"]
    text = next(mail["text"] for mail in mails if mail["to"] == email)
    return re.search(pattern, text)


made = Database(domain, client_id).signup(email=email, password=password, connection=realm)
got = log_in(password)
claims = verifier.verify(got["id_token"])
profile = Users(domain).userinfo(got["access_token"])
again = tokens.refresh_token(got["refresh_token"])
RevokeToken(*own).revoke_refresh_token(got["refresh_token"])
revoked = refused(lambda: tokens.refresh_token(got["refresh_token"]))

Passwordless(*own).email(email, send="code")
code = newest_mail(r"code is (\d{6})")[1]
mailed = tokens.passwordless_login(email, code, "email", "openid email", settings["audience"])

hint = json.dumps({"format": "iss_sub", "iss": issuer, "sub": claims["sub"]})
asked = BackChannelLogin(*own).back_channel_login("Order 4711", hint, "openid")
pending = refused(lambda: tokens.backchannel_login(asked["auth_req_id"]))

pushed = PushedAuthorizationRequests(*own).pushed_authorization_request(
    "code", settings["callback"], scope="openid", state="s"
)

tries = []
while len(tries) < 20 and (not tries or tries[-1][0] == 403):
    tries.append(refused(lambda: log_in("Wrong-Horse-7")))
print(
    json.dumps(
        {
            "same": made["_id"] == claims["sub"].split("|")[1] and profile["sub"] == claims["sub"],
            "email": [claims["email"], profile["email"], verifier.verify(mailed["id_token"])["email"]],
            "refreshed": again["scope"],
            "revoked": revoked,
            "pending": pending,
            "pushed": [pushed["request_uri"][:33], pushed["expires_in"] > 0],
            "wrong": tries[0],
            "blocked": tries[-1],
            "right but blocked": refused(lambda: log_in(password)),
            "unblock": newest_mail(r"https?:\S+/u/unblock\?ticket=\S+")[0],
        }
    )
)
sys.stdin.readline()
print(json.dumps({"back": log_in(password)["token_type"]}))
