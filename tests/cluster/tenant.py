"""What the load needs: an application, APIs and people, and the words to speak with them. Made before anything goes wrong."""

import base64
import hashlib
import json
import time
import urllib.parse

from history import Operation
from wire import ORIGIN, Lost, form, send, timed

CALLBACK = "https://app.cluster.example/callback"
REALM = "Username-Password-Authentication"
PASSWORD = "Stays-4-Ever"
SHARED, ASKING = "https://machines.cluster.example/", "https://asking.cluster.example/"
# Each chain of refresh tokens has an API for itself: a replay ends what a user has at an application and API.
APIS = 60
# Codes live a minute; the clocks of the machines and of this program are one.
CODE_SECONDS = 58


class Tenant:
    def __init__(self, machines, history, client):
        self.addresses = [machine.address for machine in machines]
        self.history = history
        answer = self.ask(0, "/oauth/token", {
            "grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1], "audience": f"{ORIGIN}/api/v2/",
        })
        self.bearer = expect(answer, 200)["access_token"]
        self.client = self.make("/clients", {
            "name": "Load", "app_type": "regular_web", "callbacks": [CALLBACK], "oidc_conformant": True,
            "token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "jwt_configuration": {"alg": "RS256"},
            # Without leeway: what was exchanged is over at once.
            "refresh_token": {
                "rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0, "token_lifetime": 2592000,
                "idle_token_lifetime": 1296000, "infinite_token_lifetime": False, "infinite_idle_token_lifetime": False,
            },
        })
        for identifier, quiet in [(SHARED, True), (ASKING, False), *((api(number), True) for number in range(APIS))]:
            self.make("/resource-servers", {
                "name": identifier, "identifier": identifier, "signing_alg": "ES256" if identifier == SHARED else "RS256",
                "scopes": [{"value": "read:load"}, {"value": "write:load"}, {"value": "never:load"}], "allow_offline_access": True,
                "skip_consent_for_verifiable_first_party_clients": quiet,
            })
        self.make("/client-grants", {"client_id": self.client["client_id"], "audience": SHARED, "scope": ["read:load", "write:load"]})
        connections = self.manage(0, "GET", f"/connections?strategy=auth0&name={REALM}")
        found = expect(connections, 200)
        if found:
            connection = found[0]
            expect(self.manage(0, "PATCH", f"/connections/{connection['id']}/clients", [{"client_id": self.client["client_id"], "status": True}]), 204)
        else:
            connection = self.make("/connections", {"name": REALM, "strategy": "auth0", "enabled_clients": [self.client["client_id"]]})
        self.wait(f"/connections/{connection['id']}/clients")

    def wait(self, path, seconds=10):
        """Until every node knows the last of it: others than the one that wrote it may take a second."""
        until = time.monotonic() + seconds
        for node, address in enumerate(self.addresses):
            while True:
                answer = self.manage(node, "GET", path)
                if answer.status == 200 and self.client["client_id"] in str(answer.body):
                    break
                if time.monotonic() > until:
                    raise TimeoutError(f"{address} does not know the application: {answer.status} at {path}")
                time.sleep(0.05)

    def make(self, path, body):
        return expect(self.manage(0, "POST", path, body), 201, 200)

    def manage(self, node, method, path, body=None):
        headers = {"authorization": f"Bearer {self.bearer}"}
        if body is not None:
            headers["content-type"] = "application/json"
        return send(self.addresses[node], method, f"/api/v2{path}", headers, None if body is None else json.dumps(body))

    def ask(self, node, path, fields):
        return send(self.addresses[node], "POST", path, *form(fields))

    def own(self, node, path, fields):
        return self.ask(node, path, {"client_id": self.client["client_id"], "client_secret": self.client["client_secret"], **fields})

    def person(self, name):
        """A new user."""
        email = f"{name}@cluster.example"
        user = self.make("/users", {"connection": REALM, "email": email, "password": PASSWORD, "email_verified": True})
        return email, user["user_id"]

    def record(self, kind, key, node, ask, judge, **more):
        """Asks, and writes down what came of it. `judge` takes the answer and gives the outcome, and what else is known."""
        begin, end, answer, lost = timed(ask)
        operation = Operation(kind, key, begin, end, lost.outcome if lost else "", node=node, **more)
        if lost:
            operation.detail = lost.detail
            self.history.add(operation)
            return operation, None
        operation.outcome, known = judge(answer)
        for name, value in known.items():
            setattr(operation, name, value)
        if operation.outcome == "broken":
            operation.detail = f"{answer.status} {answer.body[:300]}"
        self.history.add(operation)
        return operation, answer

    # What is used once.

    def use_code(self, node, code, family):
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self._use(node, code, family, fields)

    def use_refresh(self, node, token, family):
        return self._use(node, token, family, {"grant_type": "refresh_token", "refresh_token": token})

    def _use(self, node, secret, family, fields):
        def judge(answer):
            if answer.status == 200:
                body = json.loads(answer.body)
                return "ok", {"gives": [name(body[it]) for it in ("refresh_token", "access_token") if it in body]}
            return ("refused" if is_error(answer, 403, "invalid_grant") else "broken"), {}

        operation, answer = self.record("use", name(secret), node, lambda: self.own(node, "/oauth/token", fields), judge, family=family)
        return operation, json.loads(answer.body) if operation.outcome == "ok" else {}

    def revoke(self, node, token, family):
        judge = lambda answer: ("ok" if answer.status == 200 else "broken", {})
        return self.record("revoke", name(token), node, lambda: self.own(node, "/oauth/revoke", {"token": token}), judge, family=family)[0]

    def userinfo(self, node, token, family):
        judge = lambda answer: ({200: "ok", 401: "refused"}.get(answer.status, "broken"), {})
        ask = lambda: send(self.addresses[node], "GET", "/userinfo", {"authorization": f"Bearer {token}"})
        return self.record("userinfo", name(token), node, ask, judge, family=family)[0]

    def machine(self, node):
        def judge(answer):
            if answer.status != 200:
                return "broken", {}
            claims = json.loads(base64.urlsafe_b64decode(json.loads(answer.body)["access_token"].split(".")[1] + "=="))
            return "ok", {"value": claims["scope"]}

        ask = lambda: self.own(node, "/oauth/token", {"grant_type": "client_credentials", "audience": SHARED})
        return self.record("machine", "read:load write:load", node, ask, judge)[0]

    # Documents and records, each with one writer.

    def write(self, node, key, method, path, body, value):
        judge = lambda answer: ("ok" if answer.status in (200, 201, 204) else "broken", {})
        return self.record("write", key, node, lambda: self.manage(node, method, path, body), judge, value=value)

    def read(self, node, key, path, member, settled=True):
        def judge(answer):
            if answer.status == 200:
                value = json.loads(answer.body)
                for step in member:
                    value = value.get(step) if value is not None else None
                return "ok", {"value": value}
            return ("ok" if answer.status == 404 else "broken"), {"value": None}

        return self.record("read", key, node, lambda: self.manage(node, "GET", path), judge, settled=settled)[0]


class Browser:
    """Somebody's cookies, and one step at a time."""

    def __init__(self, tenant, cookies=None):
        self.tenant, self.cookies = tenant, dict(cookies or {})

    def go(self, node, target, fields=None):
        headers = {"origin": ORIGIN}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
        method, body = ("GET", None) if fields is None else ("POST", urllib.parse.urlencode(fields))
        if body is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        answer = send(self.tenant.addresses[node], method, target, headers, body)
        for line in answer.headers.get_all("set-cookie") or []:
            key, _, rest = line.partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(key, None)
            else:
                self.cookies[key] = rest.split(";")[0]
        return answer

    def authorize(self, client_id=None, **more):
        fields = {"response_type": "code", "client_id": client_id or self.tenant.client["client_id"], "redirect_uri": CALLBACK, "state": "s", "scope": "openid profile", **more}
        return f"/authorize?{urllib.parse.urlencode(fields)}"

    def sign_in(self, node, email):
        """The last answer: a redirect to the application, if all went well."""
        answer = self.go(node, self.authorize())
        for _ in range(5):
            place, query = answer.location() if answer.status in (302, 303) else ("", {})
            if place == "/u/login":
                answer = self.go(node, "/u/login", {"state": query["state"], "username": email, "password": PASSWORD, "action": "default"})
            elif place == "/authorize/resume":
                answer = self.go(node, answer.header("location").removeprefix(ORIGIN))
            else:
                break
        return answer


def landing(answer):
    """What the application is told: a code or an error."""
    place, query = answer.location() if answer.status in (302, 303) else ("", {})
    return query if place == CALLBACK else {}


def api(number):
    return f"https://api-{number}.cluster.example/"


def name(secret):
    """Histories hold no secrets."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def is_error(answer, status, error):
    try:
        return answer.status == status and json.loads(answer.body)["error"] == error
    except (ValueError, KeyError):
        return False


def expect(answer, *statuses):
    if answer.status == 503:
        raise Lost("unknown", "503")
    if answer.status not in statuses:
        raise RuntimeError(f"{answer.status}: {answer.body[:500]}")
    return json.loads(answer.body) if answer.body else None
