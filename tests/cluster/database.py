"""PostgreSQL on three machines under Patroni, whose decisions are kept by an etcd on each. Patroni's settings are those of
deploy/patroni/patroni.yml; only addresses, folders, passwords and TLS differ."""

import glob
import json
import os
import shutil
import subprocess
import time
import urllib.request

import yaml

from network import Machine, run

PASSWORD = "cluster"


class Cluster:
    def __init__(self, folder, settings, first=11):
        self.folder, self.settings = folder, settings
        self.machines = [Machine(f"db{number + 1}", first + number) for number in range(3)]
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        self.binaries = os.path.dirname(found[-1])
        os.chmod(folder, 0o755)
        for machine in self.machines:
            home = self.home(machine)
            os.makedirs(f"{home}/etcd", mode=0o700)
            # All machines share one disk here, which three databases keep busy; a real etcd has one that answers.
            run("mount", "-t", "tmpfs", "tmpfs", f"{home}/etcd")
            self._configure(machine)
            subprocess.run(["chown", "-R", "postgres:postgres", home], check=True)

    def home(self, machine):
        return f"{self.folder}/{machine.name}"

    def url(self):
        hosts = ",".join(machine.address for machine in self.machines)
        return f"postgres://chancery:{PASSWORD}@{hosts}/chancery?target_session_attrs=read-write"

    def start(self):
        for machine in self.machines:
            self.power_on(machine)
        self.wait(members=3)
        for statement in (f"CREATE ROLE chancery LOGIN PASSWORD '{PASSWORD}'", "CREATE DATABASE chancery OWNER chancery"):
            self.ask(self.leader(), statement)

    def power_on(self, machine):
        home = self.home(machine)
        peers = ",".join(f"{it.name}=http://{it.address}:2380" for it in self.machines)
        client = f"http://{machine.address}:2379"
        etcd = {
            "name": machine.name, "data-dir": f"{home}/etcd", "listen-peer-urls": f"http://{machine.address}:2380",
            "initial-advertise-peer-urls": f"http://{machine.address}:2380", "listen-client-urls": client,
            "advertise-client-urls": client, "initial-cluster": peers, "heartbeat-interval": "100", "election-timeout": "1000",
            # A member that comes back asks before it calls an election; from etcd 3.5 on that is so by itself.
            "pre-vote": "true",
            "enable-v2": "true",
        }
        flags = [f"--{name}={value}" for name, value in etcd.items()]
        machine.start("etcd", *flags, log=f"{home}/etcd.log", user="postgres")
        env = {**os.environ, "HOME": home}
        machine.start("patroni", f"{home}/patroni.yml", log=f"{home}/patroni.log", user="postgres", env=env)

    def unmount(self):
        for machine in self.machines:
            run("umount", "-l", f"{self.home(machine)}/etcd")

    def leader(self, besides=None):
        """The machine that says it is the primary; None while there is none. An old primary that is cut off may think so too."""
        for machine in self.machines:
            if machine is not besides and self._patroni(machine, "/primary"):
                return machine
        return None

    def wait(self, members, seconds=120):
        """Until there is a primary, so many members stream or lead, and one of them is synchronous."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            leader = self.leader()
            state = self._patroni(leader, "/cluster") if leader else None
            if state:
                roles = [it["role"] for it in state["members"] if it["state"] in ("running", "streaming")]
                if len(roles) >= members and "sync_standby" in roles and "leader" in roles:
                    return leader
            time.sleep(0.2)
        raise TimeoutError(f"the database does not come up: {self.describe()}")

    def switch_over(self):
        """A planned change of the primary."""
        leader = self.leader()
        self._post(leader, "/switchover", {"leader": leader.name, "candidate": self.standby()})

    def standby(self):
        """The name of the synchronous one."""
        members = self._patroni(self.leader(), "/cluster")["members"]
        return next(it["name"] for it in members if it["role"] == "sync_standby")

    def postmaster(self, machine):
        with open(f"{self.home(machine)}/data/postmaster.pid") as file:
            return int(file.readline())

    def ask(self, machine, statement):
        command = ["psql", "-qtAX", "-v", "ON_ERROR_STOP=1", "-h", machine.address, "-U", "postgres", "-c", statement]
        env = {**os.environ, "PGPASSWORD": PASSWORD}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout.strip()

    def describe(self):
        return {machine.name: self._patroni(machine, "/patroni") for machine in self.machines}

    def _patroni(self, machine, path):
        try:
            with urllib.request.urlopen(f"http://{machine.address}:8008{path}", timeout=1) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

    def _post(self, machine, path, body):
        request = urllib.request.Request(f"http://{machine.address}:8008{path}", json.dumps(body).encode(), {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=60).read()

    def _configure(self, machine):
        with open(self.settings) as file:
            it = yaml.safe_load(file)
        home = self.home(machine)
        it["name"] = machine.name
        it["restapi"] = {"listen": f"{machine.address}:8008", "connect_address": f"{machine.address}:8008"}
        # The second API of etcd: by the third one, Patroni before 3.1 takes the lock back by force after it was cut off.
        del it["etcd3"]
        it["etcd"] = {"hosts": [f"{peer.address}:2379" for peer in self.machines]}
        it["bootstrap"]["pg_hba"] = ["local all all trust", "host replication all 10.77.0.0/24 scram-sha-256", "host all all 10.77.0.0/24 scram-sha-256"]
        login = lambda name: {"username": name, "password": PASSWORD}
        it["postgresql"].update(
            listen=f"{machine.address}:5432", connect_address=f"{machine.address}:5432", data_dir=f"{home}/data", bin_dir=self.binaries,
            pgpass=f"{home}/pgpass",
            authentication={"superuser": login("postgres"), "replication": login("replicator"), "rewind": login("rewind")},
            parameters={"unix_socket_directories": home},
        )
        # No device here: the test runs without what would end a primary that hangs.
        it["watchdog"] = {"mode": "off"}
        with open(f"{home}/patroni.yml", "w") as file:
            yaml.safe_dump(it, file)


def is_installed():
    return all(map(shutil.which, ("patroni", "etcd", "ip", "iptables", "psql")))
