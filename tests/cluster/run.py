#!/usr/bin/env python3
"""Three Chancery nodes over three PostgreSQL nodes under Patroni and etcd, while machines die and cables are pulled. See README.md."""

import argparse
import collections
import os
import signal
import shutil
import sys
import tempfile
import time

import network
from audit import audit
from checker import check
from database import Cluster, is_installed
from history import History, now
from load import Load
from servers import Servers
from tenant import Tenant

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
# Service has to be back after so long.
TARGET = 15
# Load before the fault, and from the fault until it is mended.
BEFORE, AFTER = 5, 20


def main():
    options = arguments()
    if not is_installed():
        sys.exit("please install patroni, etcd-server, postgresql, iproute2 and iptables (scripts/setup.sh --cluster does)")
    network.enter()
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("out of time"))
    signal.alarm(options.seconds)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))
    folder = tempfile.mkdtemp(prefix="chancery-cluster-")
    keep = True
    try:
        test = Test(options, folder)
        try:
            keep = not test.run() or options.keep
        finally:
            test.history.write(f"{folder}/history.jsonl")
            test.end()
    finally:
        if keep:
            print(f"logs and history are in {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    sys.exit(1 if keep and not options.keep else 0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=os.path.join(ROOT, "target/release/chancery"))
    parser.add_argument("--only", help="names of faults, with commas between them")
    parser.add_argument("--seconds", type=int, default=900, help="the whole test may take so long")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--keep", action="store_true", help="leave logs and history")
    return parser.parse_args()


class Test:
    def __init__(self, options, folder):
        self.options, self.folder, self.history, self.rows = options, folder, History(), []
        self.began = time.monotonic()
        binary = shutil.copy(options.binary, f"{folder}/chancery")
        self.database = Cluster(folder, f"{ROOT}/deploy/patroni/patroni.yml")
        self.servers = Servers(folder, binary, self.database.url())

    def run(self):
        self.say("PostgreSQL, Patroni and etcd on three machines")
        self.database.start()
        self.say("three nodes of Chancery")
        client = self.servers.make_tenant()
        self.servers.start()
        self.tenant = Tenant(self.servers.machines, self.history, client)
        names = self.options.only.split(",") if self.options.only else list(FAULTS)
        for number, name in enumerate(names, 1):
            self.round(number, name)
        return self.report(check(self.history.operations))

    def round(self, number, name):
        fault = FAULTS[name](self)
        self.say(f"{number}. {name}: {fault.what}")
        load = Load(self.tenant, f"{number}", f"{self.options.seed}-{number}")
        time.sleep(BEFORE)
        primary = self.database.leader()
        struck = now()
        fault.strike(primary)
        self.say(f"   struck ({primary.name} was the primary)")
        successor, promoted = self.watch(struck, primary if fault.replaces else None)
        fault.mend()
        mended = now()
        self.database.wait(members=3)
        self.servers.wait()
        whole = now()
        workers = load.stop()
        self.say(f"   mended; whole again {whole - mended:.1f} s later; asking for everything once more")
        audit(self.tenant, workers, f"{number}")
        done = [it for it in self.history.operations if it.begin >= struck - BEFORE]
        self.rows.append(Row(name, primary.name, successor.name if successor else "none", promoted, struck, mended, done))
        self.say(f"   {self.rows[-1].line()}")

    def watch(self, struck, gone):
        """Who is the primary after the fault, and how long it took to become so."""
        successor, promoted = None, 0.0
        while now() < struck + AFTER:
            found = self.database.leader(besides=gone)
            if found and found is not successor:
                successor, promoted = found, now() - struck
            time.sleep(0.2)
        return successor, promoted

    def report(self, violations):
        operations = self.history.operations
        count = collections.Counter((it.kind, it.outcome) for it in operations)
        outcomes = ["ok", "refused", "unknown", "unsent", "broken"]
        print("\n" + f"{'operation':<12}" + "".join(f"{it:>10}" for it in outcomes))
        for kind in sorted({it.kind for it in operations}):
            print(f"{kind:<12}" + "".join(f"{count[kind, outcome]:>10}" for outcome in outcomes))
        print("\n" + Row.heading())
        for row in self.rows:
            print(row.line())
        late = [row for row in self.rows if row.back > TARGET]
        for row in late:
            print(f"too late: {row.name}: {row.back:.1f} s, the target is {TARGET} s")
        for violation in violations[:20]:
            print(f"VIOLATION {violation}")
        print(f"\n{len(operations)} operations, {len(violations)} violations, {len(late)} of {len(self.rows)} faults over {TARGET} s; {time.monotonic() - self.began:.0f} s in all")
        return not violations and not late

    def end(self):
        """Nothing runs any more, nor writes into the folder."""
        for machine in self.servers.machines + self.database.machines:
            machine.kill()
        self.database.unmount()

    def say(self, text):
        print(f"[{time.monotonic() - self.began:5.0f} s] {text}", flush=True)


class Row:
    """What a fault did to the service. It is back when nothing that was begun later failed, of anything that anybody asked."""

    def __init__(self, name, primary, successor, promoted, struck, mended, operations):
        self.name, self.primary, self.successor, self.promoted = name, primary, successor, promoted
        during = [it for it in operations if struck <= it.begin < mended and it.phase == "load"]
        failed = [it for it in during if it.outcome in ("unknown", "unsent", "broken")]
        self.failed, self.done = len(failed), sum(it.outcome == "ok" for it in during)
        self.back = max((it.begin - struck for it in failed), default=0.0)
        self.machines = longest_gap([it.end for it in during if it.kind == "machine" and it.outcome == "ok"])
        self.audited = sum(it.phase == "audit" for it in operations)

    @staticmethod
    def heading():
        return f"{'fault':<18}{'primary':>9}{'then':>7}{'after s':>9}{'service back s':>16}{'failed':>8}{'done':>7}{'machines: longest gap s':>25}{'asked again':>13}"

    def line(self):
        return f"{self.name:<18}{self.primary:>9}{self.successor:>7}{self.promoted:>9.1f}{self.back:>16.1f}{self.failed:>8}{self.done:>7}{self.machines:>25.1f}{self.audited:>13}"


def longest_gap(ends):
    ends = sorted(ends)
    return max((later - earlier for earlier, later in zip(ends, ends[1:])), default=0.0)


class Fault:
    # Whether another machine has to become the primary.
    replaces = True

    def __init__(self, test):
        self.database, self.servers = test.database, test.servers


class Dies(Fault):
    what = "the primary's machine loses power: PostgreSQL, Patroni and etcd"

    def strike(self, primary):
        self.machine = primary
        primary.kill()

    def mend(self):
        self.database.power_on(self.machine)


class Crashes(Fault):
    what = "kill -9 of the primary's PostgreSQL alone"
    replaces = False

    def strike(self, primary):
        os.kill(self.database.postmaster(primary), signal.SIGKILL)

    def mend(self):
        pass


class Unplugged(Fault):
    what = "the primary's cable is pulled, and it lives on"

    def strike(self, primary):
        self.machine = primary
        primary.unplug()

    def mend(self):
        self.machine.plug()


class Parted(Fault):
    what = "the primary no longer hears its peers; Chancery still reaches it"

    def strike(self, primary):
        self.machine = primary
        self.peers = [it for it in self.database.machines if it is not primary]
        primary.ignore(self.peers)

    def mend(self):
        self.machine.hear(self.peers)


class Switched(Fault):
    what = "a planned change of the primary"

    def strike(self, primary):
        self.database.switch_over()

    def mend(self):
        pass


class StandbyDies(Fault):
    what = "the synchronous standby's machine loses power"
    replaces = False

    def strike(self, primary):
        name = self.database.standby()
        self.machine = next(it for it in self.database.machines if it.name == name)
        self.machine.kill()

    def mend(self):
        self.database.power_on(self.machine)


class NodeDies(Fault):
    what = "kill -9 of one node of Chancery, which starts again at once"
    replaces = False

    def strike(self, primary):
        machine = self.servers.machines[0]
        machine.kill()
        self.servers.power_on(machine)

    def mend(self):
        pass


FAULTS = {
    "primary-dies": Dies, "primary-crashes": Crashes, "primary-unplugged": Unplugged, "primary-parted": Parted,
    "standby-dies": StandbyDies, "switchover": Switched, "chancery-dies": NodeDies,
}


if __name__ == "__main__":
    main()
