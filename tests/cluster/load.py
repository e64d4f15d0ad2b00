"""Clients of every kind, each on a thread of its own. They go on whatever happens, at any of the nodes, as behind a load balancer
that does not know which of them are well."""

import html
import json
import random
import threading
import time

from history import now
from tenant import APIS, ASKING, CALLBACK, CODE_SECONDS, Browser, api, landing, name
from wire import ORIGIN, Lost

# A client's pause between two requests: the load is steady and leaves the machines room.
PAUSE = 0.03
# Codes that are kept to be used only after the failover.
HOLD_SECONDS = 17


class Load:
    def __init__(self, tenant, round_name, seed):
        self.stopping = threading.Event()
        self.workers = [kind(tenant, f"{round_name}-{number}", random.Random(f"{seed}-{number}"), self.stopping) for number, kind in enumerate(KINDS)]
        self.threads = [threading.Thread(target=worker.run, daemon=True) for worker in self.workers]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        failed = [worker.failure for worker in self.workers if worker.failure]
        if failed:
            raise RuntimeError("a client of the load is mistaken") from failed[0]
        return self.workers


class Worker:
    def __init__(self, tenant, name, dice, stopping):
        self.tenant, self.name, self.dice, self.stopping = tenant, name, dice, stopping
        self.counter, self.failure = 0, None
        self.prepare()

    def prepare(self):
        pass

    def run(self):
        while not self.stopping.is_set():
            try:
                self.step()
            except Lost:
                pass
            except Exception as cause:  # told by `stop`
                self.failure = cause
                return
            time.sleep(PAUSE)

    def node(self):
        return self.dice.randrange(3)

    def next_name(self):
        self.counter += 1
        return f"load-{self.name}-{self.counter}"

    def signed_in(self):
        email, self.user = self.tenant.person(self.name)
        browser = Browser(self.tenant)
        answer = browser.sign_in(0, email)
        if "code" not in landing(answer):
            raise RuntimeError(f"cannot sign in: {answer.status} {answer.header('location')} {answer.body[:300]}")
        return browser

    def issue(self, browser, family, **more):
        """A code without a page, or None."""
        def judge(answer):
            told = landing(answer)
            if "code" in told:
                return "ok", {"gives": [name(told["code"])], "lives_until": now() + CODE_SECONDS}
            return "broken", {"detail": answer.header("location")}

        node = self.node()
        operation, answer = self.tenant.record("issue", self.name, node, lambda: browser.go(node, browser.authorize(**more)), judge, family=family)
        return landing(answer)["code"] if operation.outcome == "ok" else None


class Codes(Worker):
    """Codes: most are redeemed at once, some are kept for long, some are fired at all nodes at the same moment."""

    def prepare(self):
        self.browser, self.held, self.tokens, self.spent = self.signed_in(), [], [], []

    def step(self):
        while self.held and now() - self.held[0][0] > HOLD_SECONDS:
            self.redeem(*self.held.pop(0)[1:])
        family = self.next_name()
        code = self.issue(self.browser, family)
        if code is None:
            return
        choice = self.dice.randrange(6)
        if choice < 2:
            self.held.append((now(), code, family))
        elif choice == 2:
            threads = [threading.Thread(target=self.tenant.use_code, args=(node, code, family)) for node in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        else:
            self.redeem(code, family)

    def redeem(self, code, family):
        operation, body = self.tenant.use_code(self.node(), code, family)
        if operation.outcome == "ok":
            self.tokens.append((body["access_token"], family))
            self.spent.append((code, family))


class Chains(Worker):
    """Refresh tokens that rotate. What nobody answered for is tried again; some are revoked."""

    def prepare(self):
        self.browser, self.good, self.spent, self.revoked = self.signed_in(), [], [], []

    def step(self):
        self.counter += 1
        number = self.counter % APIS
        family = f"{self.name}-{self.counter}"
        code = self.issue(self.browser, family, audience=api(number), scope="openid offline_access read:load")
        if code is None:
            return
        operation, body = self.tenant.use_code(self.node(), code, family)
        if operation.outcome != "ok":
            return
        token = body["refresh_token"]
        for _ in range(self.dice.randrange(2, 12)):
            if self.stopping.is_set():
                break
            operation, body = self.tenant.use_refresh(self.node(), token, family)
            if operation.outcome == "ok":
                self.spent.append((token, family))
                token = body["refresh_token"]
            elif operation.outcome == "refused":
                return
            time.sleep(PAUSE)
        # At most as many as a user may hold, and one of each API.
        if self.dice.randrange(3) or self.counter >= APIS:
            operation = self.tenant.revoke(self.node(), token, family)
            if operation.outcome == "ok":
                self.revoked.append((token, family))
        else:
            self.good.append((token, family))


class Consents(Worker):
    """Applications that ask for consent, which is given on the page."""

    def prepare(self):
        self.browser, self.given = self.signed_in(), []

    def step(self):
        # One node for all of it: others learn of a new application a moment later.
        node = self.node()
        made = self.tenant.manage(node, "POST", "/clients", {"name": self.next_name(), "app_type": "regular_web", "callbacks": [CALLBACK], "grant_types": ["authorization_code"]})
        if made.status != 201:
            return
        client_id = json.loads(made.body)["client_id"]
        answer = self.browser.go(node, self.browser.authorize(client_id, audience=ASKING, scope="openid read:load"))
        place, query = answer.location() if answer.status in (302, 303) else ("", {})
        if place != "/u/consent":
            return
        page = self.browser.go(node, answer.header("location").removeprefix(ORIGIN))
        asked = html.unescape(str(page.body).partition('name="asked" value="')[2].partition('"')[0])

        def judge(answer):
            if answer.status in (302, 303):
                return "ok", {}
            return "broken", {}

        accept = lambda: self.browser.go(node, "/u/consent", {"state": query["state"], "asked": asked, "action": "accept"})
        operation, _ = self.tenant.record("consent", client_id, node, accept, judge)
        self.given.append(client_id)


def silent(tenant, browser, node, client_id):
    """Whether a consent holds."""
    def judge(answer):
        told = landing(answer)
        return ("ok" if "code" in told else "refused" if told.get("error") == "consent_required" else "broken"), {"detail": str(told.get("error", ""))}

    place = browser.authorize(client_id, audience=ASKING, scope="openid read:load", prompt="none")
    return tenant.record("silent", client_id, node, lambda: browser.go(node, place), judge)[0]


class Sessions(Worker):
    """People sign in, come back without a page, and log out."""

    def prepare(self):
        self.email, _ = self.tenant.person(self.name)
        self.browsers = []

    def step(self):
        key, node = self.next_name(), self.node()
        browser = Browser(self.tenant)
        judge = lambda answer: ("ok" if "code" in landing(answer) else "broken", {})
        operation, _ = self.tenant.record("login", key, node, lambda: browser.sign_in(node, self.email), judge)
        if operation.outcome != "ok":
            return
        for _ in range(3):
            session(self.tenant, browser, self.node(), key)
            time.sleep(PAUSE)
        if self.dice.randrange(2):
            out = self.node()
            # The cookies of before: a browser that was told nothing keeps them, and so does whoever stole them.
            kept = Browser(self.tenant, browser.cookies)
            judge = lambda answer: ("ok" if answer.status < 400 else "broken", {})
            self.tenant.record("logout", key, out, lambda: browser.go(out, "/v2/logout"), judge)
            browser = kept
            session(self.tenant, browser, self.node(), key)
        self.browsers.append((key, browser))


def session(tenant, browser, node, key):
    """Whether a session is good."""
    def judge(answer):
        told = landing(answer)
        return ("ok" if "code" in told else "refused" if told.get("error") == "login_required" else "broken"), {"detail": str(told.get("error", ""))}

    return tenant.record("session", key, node, lambda: Browser(tenant, browser.cookies).go(node, browser.authorize(prompt="none")), judge)[0]


class Documents(Worker):
    """Roles: made, changed and deleted. Configuration rests in every node's memory, so only the settled reads of the end count."""

    def prepare(self):
        self.documents = []

    def step(self):
        node, key = self.node(), self.next_name()
        operation, answer = self.tenant.write(node, key, "POST", "/roles", {"name": key, "description": "0"}, "0")
        if operation.outcome != "ok":
            return
        path = f"/roles/{json.loads(answer.body)['id']}"
        self.documents.append((key, path, ("description",)))
        time.sleep(1)
        for number in range(1, self.dice.randrange(2, 4)):
            self.tenant.write(node, key, "PATCH", path, {"description": str(number)}, str(number))
        if self.dice.randrange(3) == 0:
            self.tenant.write(node, key, "DELETE", path, None, None)


class Users(Worker):
    """Users rest in the database: what one node wrote, any other reads at once."""

    def prepare(self):
        self.documents, self.value = [], 0

    def step(self):
        if not self.documents or self.dice.randrange(20) == 0:
            email, user = self.tenant.person(self.next_name())
            self.documents.append((user, f"/users/{user.replace('|', '%7C')}", ("app_metadata", "n")))
        key, path, member = self.documents[-1]
        self.value += 1
        self.tenant.write(self.node(), key, "PATCH", path, {"app_metadata": {"n": self.value}}, self.value)
        self.tenant.read(self.node(), key, path, member)


class Machines(Worker):
    """Tokens of machines, which need no database."""

    def step(self):
        self.tenant.machine(self.node())


KINDS = [Codes, Codes, Chains, Chains, Chains, Consents, Sessions, Documents, Users, Machines]
