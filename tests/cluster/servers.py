"""Chancery on three machines of its own: `chancery serve`, as somebody would run it."""

import json
import os
import subprocess
import time

from network import OUTSIDE, Machine
from wire import ORIGIN, Lost, send


class Servers:
    def __init__(self, folder, binary, database):
        self.folder, self.binary, self.database = folder, binary, database
        self.machines = [Machine(f"app{number + 1}", 21 + number) for number in range(3)]
        self.key = f"{folder}/master.key"
        with open(self.key, "w") as file:
            subprocess.run([binary, "keys", "generate-master"], stdout=file, check=True)
        os.chmod(self.key, 0o600)

    def make_tenant(self):
        """Id and secret of its management application."""
        command = [self.binary, "init", "--tenant", "cluster", "--origin", ORIGIN, "--json", *self._storage()]
        made = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=clean()).stdout)
        return made["client_id"], made["client_secret"]

    def start(self):
        for machine in self.machines:
            self.power_on(machine)
        self.wait()

    def power_on(self, machine):
        command = [self.binary, "serve", "--http", f"{machine.address}:4000", "--trusted-proxies", OUTSIDE, *self._storage()]
        machine.start(*command, log=f"{self.folder}/{machine.name}.log", env=clean())

    def wait(self, seconds=60):
        """Until all of them serve."""
        until = time.monotonic() + seconds
        waiting = list(self.machines)
        while waiting:
            if time.monotonic() > until:
                raise TimeoutError(f"{waiting[0].name} does not serve")
            try:
                if send(waiting[0].address, "GET", "/readyz").status == 200:
                    waiting.pop(0)
                    continue
            except Lost:
                pass
            time.sleep(0.1)

    def _storage(self):
        return ["--database", self.database, "--master-key-file", self.key]


def clean():
    """Settings of whoever runs this are none of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CHANCERY_")}
