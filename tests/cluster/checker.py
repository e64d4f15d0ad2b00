"""Holds a history against what a client may rely on, whatever happened to machines and networks meanwhile.

  - what can be used once is used once: codes, and refresh tokens that rotate;
  - what was acknowledged is there: codes, tokens, sessions, consents, users and configuration;
  - what was ended stays ended: revoked tokens, sessions logged out, what was deleted;
  - a token carries exactly the scopes that were granted;
  - no answer is broken.

An operation whose outcome is unknown may have happened or not: either is right, but not one after the other.
"""

import collections
import dataclasses

HAPPENED = ("ok", "unknown")
SENT = ("ok", "unknown", "refused")


@dataclasses.dataclass
class Violation:
    rule: str
    operation: object

    def __str__(self):
        it = self.operation
        return f"{self.rule}: {it.kind} of {it.key} at {it.begin:.3f} on node {it.node} ({it.phase}): {it.outcome} {it.detail}"


def check(operations):
    """Every violation in them; none is what is hoped for."""
    operations = sorted(operations, key=lambda it: it.begin)
    found = [Violation("broken answer", it) for it in operations if it.outcome == "broken"]
    for rule in (single_use, tokens, sessions, consents, documents, machines):
        found += rule(operations)
    return found


def single_use(operations):
    uses = by_key(operations, "use")
    for key, its in uses.items():
        accepted = [it for it in its if it.outcome == "ok"]
        for it in accepted[1:]:
            yield Violation("used twice", it)
    families = Families(operations, uses)
    lives = lifetimes(operations)
    for key, its in uses.items():
        for it in its:
            others = [other for other in its if other is not it and other.outcome in HAPPENED and other.begin < it.end]
            if it.outcome == "refused" and not others and it.end < lives.get(key, float("inf")) and not families.ended(it):
                yield Violation("acknowledged and lost", it)
            if it.outcome == "ok" and families.revoked(it):
                yield Violation("revoked and used", it)


def tokens(operations):
    """Opaque access tokens, which rest in the database: `userinfo` shows whether they are good."""
    families = Families(operations, by_key(operations, "use"))
    for it in operations:
        if it.kind == "userinfo" and it.outcome == "refused" and not families.ended(it):
            yield Violation("acknowledged and lost", it)


def sessions(operations):
    began, ended = by_key(operations, "login"), by_key(operations, "logout")
    for key, its in by_key(operations, "session").items():
        for it in its:
            outs = ended.get(key, [])
            if it.outcome == "refused" and is_before(began.get(key, []), it) and not may_be_before(outs, it):
                yield Violation("acknowledged and lost", it)
            if it.outcome == "ok" and is_before(outs, it):
                yield Violation("logged out and back", it)


def consents(operations):
    given = by_key(operations, "consent")
    for it in operations:
        if it.kind == "silent" and it.outcome == "refused" and is_before(given.get(it.key, []), it):
            yield Violation("acknowledged and lost", it)


def documents(operations):
    """One writer for each key, so that the last acknowledged write counts, or one after it that nobody answered for."""
    writes = by_key(operations, "write")
    for it in operations:
        if it.kind != "read" or it.outcome != "ok" or not it.settled:
            continue
        allowed = [None]
        for write in writes.get(it.key, []):
            if write.begin > it.end:
                break
            if write.outcome == "ok" and write.end < it.begin:
                allowed = [write.value]
            elif write.outcome in HAPPENED:
                allowed.append(write.value)
        if it.value not in allowed:
            yield Violation(f"read {it.value!r}, not one of {allowed!r}", it)


def machines(operations):
    for it in operations:
        if it.kind == "machine" and it.outcome == "ok" and it.value != it.key:
            yield Violation(f"granted {it.value!r}", it)


class Families:
    """When what belongs together was ended by a second use or by a revocation."""

    def __init__(self, operations, uses):
        self.second_uses = collections.defaultdict(list)
        self.revocations = collections.defaultdict(list)
        for key, its in uses.items():
            sent = [it for it in its if it.outcome in SENT]
            for it in sent[1:]:
                self.second_uses[it.family].append((it.begin, key))
        for it in operations:
            if it.kind == "revoke" and it.outcome in HAPPENED:
                self.revocations[it.family].append(it)

    def ended(self, it):
        """By something other than the uses of the same key, perhaps."""
        replayed = any(begin < it.end and key != it.key for begin, key in self.second_uses[it.family])
        return replayed or any(revocation.begin < it.end for revocation in self.revocations[it.family])

    def revoked(self, it):
        """For sure."""
        return any(
            revocation.outcome == "ok" and revocation.key == it.key and revocation.end < it.begin
            for revocation in self.revocations[it.family]
        )


def by_key(operations, kind):
    found = collections.defaultdict(list)
    for it in operations:
        if it.kind == kind:
            found[it.key].append(it)
    return found


def lifetimes(operations):
    return {key: it.lives_until for it in operations if it.outcome == "ok" for key in it.gives}


def is_before(causes, it):
    return any(cause.outcome == "ok" and cause.end < it.begin for cause in causes)


def may_be_before(causes, it):
    return any(cause.outcome in HAPPENED and cause.begin < it.end for cause in causes)
