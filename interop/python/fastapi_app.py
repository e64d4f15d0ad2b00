"""A web application and its API on FastAPI, with what Auth0 makes for each: auth0-fastapi and auth0-fastapi-api.

Says at which address it listens. The person's access token is shown, so that a test can bring it to the API.
"""

import json
import socket
import sys

import uvicorn
from auth0_fastapi.auth.auth_client import AuthClient
from auth0_fastapi.config import Auth0Config
from auth0_fastapi.server.routes import register_auth_routes, router
from fastapi import Depends, FastAPI, Request, Response
from fastapi_plugin import Auth0FastAPI

settings = json.loads(sys.argv[1])
listener = socket.create_server(("127.0.0.1", 0))
origin = f"http://localhost:{listener.getsockname()[1]}"

app = FastAPI()
config = Auth0Config(
    domain=settings["domain"],
    client_id=settings["client_id"],
    client_secret=settings["client_secret"],
    app_base_url=origin,
    secret="of the test, which is long enough",
    audience=settings["audience"],
    authorization_params={"scope": settings["scope"], "audience": settings["audience"]},
)
auth_client = AuthClient(config)
app.state.config = config
app.state.auth_client = auth_client
register_auth_routes(router, config)
app.include_router(router)

api = Auth0FastAPI(domain=settings["domain"], audience=settings["audience"])


@app.get("/")
async def home():
    return {"signed_in": False}


@app.get("/me")
async def me(request: Request, response: Response, session=Depends(auth_client.require_session)):
    options = {"request": request, "response": response}
    access_token = await auth_client.client.get_access_token(store_options=options)
    return {"email": session["user"]["email"], "access_token": access_token}


@app.get("/contacts")
async def read(claims=Depends(api.require_auth(scopes="read:contacts"))):
    return {"sub": claims["sub"]}


@app.delete("/contacts/1")
async def delete(claims=Depends(api.require_auth(scopes="delete:contacts"))):
    return {"sub": claims["sub"]}


print(origin, flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
