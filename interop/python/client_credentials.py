"""A token in the application's own name with Authlib, over TLS."""

import json
import sys

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

settings = json.loads(sys.argv[1])
metadata = requests.get(settings["issuer"] + ".well-known/openid-configuration").json()
keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"]).json())
session = OAuth2Session(settings["client_id"], settings["client_secret"], token_endpoint_auth_method="client_secret_post")
token = session.fetch_token(
    metadata["token_endpoint"], grant_type="client_credentials", audience=settings["audience"]
)
print(json.dumps(jwt.decode(token["access_token"], keys, algorithms=["RS256"]).claims))
