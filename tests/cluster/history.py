"""What clients asked of the servers and what they were told: one record for each request, in the order of their ends.

Outcomes:
  ok       it was done, and said so
  refused  a definite no in the words of the protocol
  unknown  asked, and not told: no answer, or 503, which does not say whether it happened
  unsent   no connection could be made, so that nothing happened
  broken   an answer that no server may give
"""

import dataclasses
import json
import threading
import time


@dataclasses.dataclass
class Operation:
    kind: str
    key: str
    begin: float
    end: float
    outcome: str
    # Single-use things and what hangs on them end together: user, application and API.
    family: str = ""
    # What an `ok` of it gave: keys of codes and tokens.
    gives: list = dataclasses.field(default_factory=list)
    # When what it gave ends by itself.
    lives_until: float = float("inf")
    # What a write wrote or a read read; None is "nothing there".
    value: object = None
    # A read that every earlier write must have reached; others may see a node's slightly older configuration.
    settled: bool = True
    phase: str = "load"
    node: int = 0
    detail: str = ""


class History:
    def __init__(self):
        self.operations = []
        self.phase = "load"
        self._lock = threading.Lock()

    def add(self, operation):
        operation.phase = self.phase
        with self._lock:
            self.operations.append(operation)

    def write(self, path):
        with open(path, "w") as out:
            for operation in self.operations:
                out.write(json.dumps(dataclasses.asdict(operation)) + "\n")


def now():
    return time.monotonic()
