"""auth0-python: the management client with a token it fetches by itself."""

import json
import sys
import uuid

from auth0.management import ManagementClient
from auth0.management.core.api_error import ApiError

settings = json.loads(sys.argv[1])
management = ManagementClient(
    domain=settings["domain"],
    client_id=settings["client_id"],
    client_secret=settings["client_secret"],
)
mark = uuid.uuid4().hex[:10]
api = management.resource_servers.create(
    identifier=f"https://{mark}.example/api", name="Python", scopes=[{"value": "read:things"}]
)
client = management.clients.create(name=f"Python {mark}", app_type="non_interactive")
grant = management.client_grants.create(
    client_id=client.client_id, audience=api.identifier, scope=["read:things"]
)
user = management.users.create(
    connection="Username-Password-Authentication", email=f"{mark}@example.com", password="Correct-Horse-7"
)
role = management.roles.create(name=f"Python {mark}")
management.users.roles.assign(user.user_id, roles=[role.id])
held = [each.id for each in management.users.roles.list(user.user_id)]
pages = [each.client_id for each in management.clients.list(per_page=2)]
try:
    management.users.get("auth0|none")
    missing = None
except ApiError as error:
    missing = error.status_code
management.roles.delete(role.id)
management.users.delete(user.user_id)
management.client_grants.delete(grant.id)
management.clients.delete(client.client_id)
management.resource_servers.delete(api.id)
print(json.dumps({"held": held == [role.id], "clients": len(pages), "missing": missing, "scope": grant.scope}))
