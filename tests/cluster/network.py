"""Machines as network namespaces on one bridge, within a network, mount and process namespace of the test's own: when the
test ends, however it ends, the kernel takes all of it away."""

import os
import subprocess
import sys

OUTSIDE = "10.77.0.1"


def enter():
    """Starts this program again inside, below a shell: the first process of a namespace has to bury the orphans, or PostgreSQL's
    guardian would take one that was killed for alive."""
    if os.environ.get("CLUSTER_INSIDE") == "1":
        run("ip", "link", "set", "lo", "up")
        os.makedirs("/run/netns", exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        run("ip", "link", "add", "bridge", "type", "bridge")
        run("ip", "addr", "add", f"{OUTSIDE}/24", "dev", "bridge")
        run("ip", "link", "set", "bridge", "up")
        return
    if os.geteuid() != 0:
        sys.exit("network namespaces need root")
    os.environ["CLUSTER_INSIDE"] = "1"
    own = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    os.execvp(own[0], [*own, "bash", "-c", '"$@"; exit $?', "bash", sys.executable, *sys.argv])


class Machine:
    """A host with an address. Everything that runs on it can be killed at once, and its cable be pulled."""

    def __init__(self, name, number):
        self.name, self.address = name, f"10.77.0.{number}"
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", f"to-{name}", "master", "bridge", "up")
        for command in (["link", "set", "lo", "up"], ["addr", "add", f"{self.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            run("ip", "-n", name, *command)

    def start(self, *command, log, user=None, env=None):
        own = ["ip", "netns", "exec", self.name]
        if user:
            own += ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        with open(log, "ab") as out:
            return subprocess.Popen([*own, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, start_new_session=True)

    def processes(self):
        return [int(pid) for pid in run("ip", "netns", "pids", self.name).split()]

    def kill(self):
        """As when the power fails: SIGKILL for all, until there are none."""
        while pids := self.processes():
            for pid in pids:
                try:
                    os.kill(pid, 9)
                except ProcessLookupError:
                    pass

    def unplug(self):
        run("ip", "link", "set", f"to-{self.name}", "down")

    def plug(self):
        run("ip", "link", "set", f"to-{self.name}", "up")

    def ignore(self, others):
        """Nothing passes between this machine and those, and nobody is told."""
        for other in others:
            self._rule("-A", other)

    def hear(self, others):
        for other in others:
            self._rule("-D", other)

    def _rule(self, change, other):
        for chain, end in (("INPUT", "-s"), ("OUTPUT", "-d")):
            run("ip", "netns", "exec", self.name, "iptables", "-w", change, chain, end, other.address, "-j", "DROP")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout
