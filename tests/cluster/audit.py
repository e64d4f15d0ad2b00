"""Asks once more for everything that the load knows. What ends other things, second uses, comes last."""

import json
import time

from load import Chains, Codes, Consents, Documents, Sessions, Users, session, silent
from tenant import Tenant
from wire import Lost

PATIENCE = 20


def audit(tenant: Tenant, workers, name):
    tenant.history.phase = "audit"
    settle(tenant, name)
    of = lambda kind: [worker for worker in workers if isinstance(worker, kind)]
    turn = Turn()
    for worker in of(Codes):
        for _, code, family in worker.held:
            worker.redeem(code, family)
    for worker in of(Sessions):
        for key, browser in worker.browsers:
            session(tenant, browser, turn(), key)
    for worker in of(Consents):
        for client_id in worker.given:
            silent(tenant, worker.browser, turn(), client_id)
    for worker in of(Documents) + of(Users):
        for key, path, member in worker.documents:
            tenant.read(turn(), key, path, member)
    for worker in of(Chains):
        for token, family in worker.good:
            tenant.use_refresh(turn(), token, family)
        for token, family in worker.revoked:
            tenant.use_refresh(turn(), token, family)
    for worker in of(Codes):
        for token, family in worker.tokens:
            tenant.userinfo(turn(), token, family)
    for worker in of(Codes):
        for code, family in worker.spent:
            tenant.use_code(turn(), code, family)
    for worker in of(Chains):
        for token, family in worker.spent:
            tenant.use_refresh(turn(), token, family)
    tenant.history.phase = "load"


def settle(tenant, name):
    """Until every node knows what was written last: changes reach them in their order."""
    made = again(lambda: tenant.manage(0, "POST", "/roles", {"name": f"mark-{name}"}), 200)
    mark = json.loads(made.body)["id"]
    for node in range(3):
        again(lambda: tenant.manage(node, "GET", f"/roles/{mark}"), 200)


def again(ask, status):
    until = time.monotonic() + PATIENCE
    while True:
        try:
            answer = ask()
            if answer.status == status:
                return answer
            what = f"{answer.status} {answer.body[:200]}"
        except Lost as lost:
            what = lost.detail
        if time.monotonic() > until:
            raise TimeoutError(f"no node settles: {what}")
        time.sleep(0.1)


class Turn:
    """The nodes in turn."""

    def __init__(self):
        self.node = -1

    def __call__(self):
        self.node = (self.node + 1) % 3
        return self.node
