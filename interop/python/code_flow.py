"""The code flow with Authlib: writes the address to visit, reads the one at which the person came back."""

import json
import os
import secrets
import sys

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # the issuer of the test is plain HTTP on localhost

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

settings = json.loads(sys.argv[1])
metadata = requests.get(settings["issuer"] + ".well-known/openid-configuration").json()
keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"]).json())


def read(token):
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


def id_claims(token, nonce=None):
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    options = {
        "iss": {"values": [metadata["issuer"]]},
        "aud": {"values": [settings["client_id"]]},
    }
    params = {"nonce": nonce, "client_id": settings["client_id"], "access_token": token["access_token"]}
    claims = CodeIDToken(decoded.claims, decoded.header, options, params)
    claims.validate(leeway=60)
    return dict(claims)


session = OAuth2Session(
    settings["client_id"],
    settings["client_secret"],
    scope=settings["scope"],
    redirect_uri=settings["callback"],
    token_endpoint=metadata["token_endpoint"],
    token_endpoint_auth_method="client_secret_basic",
    code_challenge_method="S256",
)
nonce, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
address, state = session.create_authorization_url(
    metadata["authorization_endpoint"], audience=settings["audience"], nonce=nonce, code_verifier=verifier
)
print(json.dumps({"authorize": address}))

back = sys.stdin.readline().strip()
token = session.fetch_token(metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
id_token = id_claims(token, nonce)
userinfo = session.get(metadata["userinfo_endpoint"]).json()
access_token = read(token["access_token"])

refreshed = session.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
result = {
    "id_token": id_token,
    "userinfo": userinfo,
    "access_token": access_token,
    "refreshed": id_claims(refreshed),
}
print(json.dumps(result))
