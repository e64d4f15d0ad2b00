"""The checker against histories made by hand, good and bad. Each bad one differs from a good one in a single word."""

import unittest

from checker import check
from history import Operation


def story(*lines):
    """One operation a second: (kind, key, outcome) and further members."""
    operations = []
    for second, (kind, key, outcome, *rest) in enumerate(lines):
        more = dict(rest[0]) if rest else {}
        begin = more.pop("begin", second)
        operations.append(Operation(kind, key, begin, more.pop("end", begin + 0.5), outcome, **more))
    return [violation.rule for violation in check(operations)]


CODE = ("issue", "jane", "ok", {"gives": ["c"], "lives_until": 30})


class SingleUse(unittest.TestCase):
    def test_a_code_is_used_once(self):
        self.assertEqual(story(CODE, ("use", "c", "ok"), ("use", "c", "refused")), [])
        self.assertEqual(story(CODE, ("use", "c", "ok"), ("use", "c", "ok")), ["used twice"])

    def test_at_the_same_moment_too(self):
        at = lambda outcome, node: ("use", "c", outcome, {"begin": 5, "node": node})
        self.assertEqual(story(CODE, at("refused", 0), at("ok", 1), at("refused", 2)), [])
        self.assertEqual(story(CODE, at("ok", 0), at("ok", 1), at("refused", 2)), ["used twice"])
        self.assertEqual(story(CODE, at("refused", 0), at("refused", 1)), ["acknowledged and lost"] * 2)

    def test_an_acknowledged_code_works(self):
        self.assertEqual(story(CODE, ("use", "c", "unsent"), ("use", "c", "ok")), [])
        self.assertEqual(story(CODE, ("use", "c", "unsent"), ("use", "c", "refused")), ["acknowledged and lost"])
        self.assertEqual(story(CODE, ("use", "c", "refused", {"begin": 31})), [], "it ended by itself")

    def test_what_was_not_answered_may_have_happened(self):
        self.assertEqual(story(CODE, ("use", "c", "unknown"), ("use", "c", "refused")), [])
        self.assertEqual(story(CODE, ("use", "c", "unknown"), ("use", "c", "ok")), [])
        self.assertEqual(story(CODE, ("use", "c", "unknown"), ("use", "c", "ok"), ("use", "c", "ok")), ["used twice"])
        # The refusal came first, so that the later loss of an answer does not explain it.
        self.assertEqual(story(CODE, ("use", "c", "refused"), ("use", "c", "unknown")), ["acknowledged and lost"])

    def test_a_rotated_token_is_over_and_the_next_one_good(self):
        f = {"family": "f"}
        rotated = ("use", "r1", "ok", {**f, "gives": ["r2"]})
        self.assertEqual(story(rotated, ("use", "r2", "ok", f)), [])
        self.assertEqual(story(rotated, ("use", "r2", "refused", f)), ["acknowledged and lost"])
        self.assertEqual(story(rotated, ("use", "r1", "refused", f), ("use", "r2", "refused", f)), [], "a replay ends all")
        self.assertEqual(story(rotated, ("use", "r1", "ok", f)), ["used twice"])
        other = ("use", "r1", "refused", {"family": "g"})
        self.assertIn("acknowledged and lost", story(rotated, other, ("use", "r2", "refused", {"family": "h"})))

    def test_a_revoked_token_is_over(self):
        f = {"family": "f"}
        self.assertEqual(story(("revoke", "r", "ok", f), ("use", "r", "refused", f)), [])
        self.assertEqual(story(("revoke", "r", "ok", f), ("use", "r", "ok", f)), ["revoked and used"])
        self.assertEqual(story(("revoke", "r", "unknown", f), ("use", "r", "ok", f)), [])
        self.assertEqual(story(("revoke", "r", "unsent", f), ("use", "r", "refused", f)), ["acknowledged and lost"])


class Tokens(unittest.TestCase):
    def test_an_access_token_is_good_until_its_family_ends(self):
        f = {"family": "f"}
        self.assertEqual(story(("use", "c", "ok", {**f, "gives": ["t"]}), ("userinfo", "t", "ok", f)), [])
        self.assertEqual(story(("userinfo", "t", "refused", f)), ["acknowledged and lost"])
        self.assertEqual(story(("use", "c", "ok", f), ("use", "c", "refused", f), ("userinfo", "t", "refused", f)), [])


class Sessions(unittest.TestCase):
    def test_a_login_lasts_until_the_logout(self):
        inside = ("login", "s", "ok")
        self.assertEqual(story(inside, ("session", "s", "ok"), ("logout", "s", "ok"), ("session", "s", "refused")), [])
        self.assertEqual(story(inside, ("session", "s", "refused")), ["acknowledged and lost"])
        self.assertEqual(story(inside, ("logout", "s", "ok"), ("session", "s", "ok")), ["logged out and back"])
        self.assertEqual(story(inside, ("logout", "s", "unknown"), ("session", "s", "refused")), [])
        self.assertEqual(story(inside, ("logout", "s", "unsent"), ("session", "s", "refused")), ["acknowledged and lost"])


class Consents(unittest.TestCase):
    def test_a_consent_is_not_asked_for_again(self):
        self.assertEqual(story(("consent", "a", "ok"), ("silent", "a", "ok")), [])
        self.assertEqual(story(("consent", "a", "ok"), ("silent", "a", "refused")), ["acknowledged and lost"])
        self.assertEqual(story(("consent", "a", "unknown"), ("silent", "a", "refused")), [])


class Documents(unittest.TestCase):
    def test_the_last_write_is_read(self):
        one, two = ("write", "d", "ok", {"value": 1}), ("write", "d", "ok", {"value": 2})
        read = lambda value, **more: ("read", "d", "ok", {"value": value, **more})
        self.assertEqual(story(one, two, read(2)), [])
        self.assertEqual(len(story(one, two, read(1))), 1)
        self.assertEqual(len(story(one, two, read(None))), 1)
        self.assertEqual(story(one, two, read(1, settled=False)), [], "a node's configuration may be a moment old")

    def test_what_was_not_answered_may_be_read(self):
        one, lost = ("write", "d", "ok", {"value": 1}), ("write", "d", "unknown", {"value": 2})
        for value, violations in [(1, 0), (2, 0), (None, 1)]:
            self.assertEqual(len(story(one, lost, ("read", "d", "ok", {"value": value}))), violations)
        self.assertEqual(len(story(one, ("write", "d", "unsent", {"value": 2}), ("read", "d", "ok", {"value": 2}))), 1)

    def test_what_was_deleted_is_gone(self):
        one, gone = ("write", "d", "ok", {"value": 1}), ("write", "d", "ok", {"value": None})
        self.assertEqual(story(one, gone, ("read", "d", "ok", {"value": None})), [])
        self.assertEqual(len(story(one, gone, ("read", "d", "ok", {"value": 1}))), 1)


class Machines(unittest.TestCase):
    def test_exactly_what_was_granted(self):
        self.assertEqual(story(("machine", "a b", "ok", {"value": "a b"})), [])
        self.assertEqual(len(story(("machine", "a b", "ok", {"value": "a b c"}))), 1)


class Answers(unittest.TestCase):
    def test_none_is_broken(self):
        self.assertEqual(story(("machine", "a", "broken")), ["broken answer"])


if __name__ == "__main__":
    unittest.main()
