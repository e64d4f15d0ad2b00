#!/usr/bin/env bash
# The unit under a real systemd: Debian's, as the first process of namespaces of its own (processes, mounts, network), so that nothing of
# this machine changes. Needs root and debootstrap, and a binary that needs no library (`make release`).
#
#     deploy/try/systemd.sh [BINARY]
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/try/lib.sh
need debootstrap unshare nsenter ip curl python3 systemd-analyze
[ "$(id -u)" = 0 ] || { echo "skipped: not root" >&2; exit 77; }

binary=$(realpath "${1:-target/release/chancery}")
root=$PWD/target/deploy/debian
group=/sys/fs/cgroup
[ ! -d $group/systemd ] || group=$group/systemd
group=$group/chancery-try
init=

main() {
  trap leave EXIT
  furnish
  boot
  # With the account and the folder that the server will have; it does not start without a tenant.
  tenant acme >"$root/tmp/made.json"
  inside systemctl start chancery
  until_true 20 ready
  until_true 5 token
  seen "a tenant made, started, a token issued: $(inside systemctl show -p MainPID,User,ActiveState chancery | paste -sd' ')"
  tenant other >/dev/null
  seen "another tenant made while it runs"
  folder
  sandbox
  killed
  stopped
}

furnish() {
  [ -x "$root/lib/systemd/systemd" ] ||
    debootstrap --variant=minbase --include=ca-certificates,systemd,systemd-sysv,dbus,procps bookworm "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$root.log"
  rm -rf "$root/var/lib/private/chancery" "$root/var/lib/chancery"
  # The steps of deploy/README.md.
  install -m 755 "$binary" "$root/usr/local/bin/chancery"
  install -d "$root/etc/chancery"
  (umask 077 && "$binary" keys generate-master >"$root/etc/chancery/master.key")
  grep -v '^master_key_file' chancery.sample.toml >"$root/etc/chancery/chancery.toml"
  install -m 644 deploy/systemd/chancery.service "$root/etc/systemd/system/"
  # A machine that may not raise limits cannot start a unit that asks for more than it has.
  rm -rf "$root/etc/systemd/system/chancery.service.d"
  local most
  most=$(ulimit -Hn)
  if [ "$most" != unlimited ] && [ "$most" -lt 65536 ] && ! (ulimit -Hn 65536) 2>/dev/null; then
    install -d "$root/etc/systemd/system/chancery.service.d"
    printf '[Service]\nLimitNOFILE=%s\n' "$most" >"$root/etc/systemd/system/chancery.service.d/limits.conf"
    echo "  not tried: LimitNOFILE=65536 (this machine allows $most)"
  fi
}

boot() {
  mkdir -p "$group"
  # shellcheck disable=SC2016
  (
    echo $BASHPID >"$group/cgroup.procs"
    exec setsid unshare --mount --pid --fork --uts --ipc --net --cgroup --propagation private sh -ec '
      ip link set lo up
      mount --bind "$1" "$1"
      cd "$1"
      mount -t proc proc proc
      mount -t sysfs sysfs sys
      if [ -d /sys/fs/cgroup/systemd ]; then
        mount -t tmpfs tmpfs sys/fs/cgroup
        mkdir sys/fs/cgroup/systemd
        mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
      else
        mount -t cgroup2 cgroup sys/fs/cgroup
      fi
      mount --rbind /dev dev
      mount -t tmpfs tmpfs run
      mkdir -p run/lock .old
      pivot_root . .old
      umount -l /.old
      # Credentials are mounted by a helper and reach the unit by propagation.
      mount --make-rshared /
      exec env -i container=other PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=console' sh "$root"
  ) >"$root.boot" 2>&1 &
  local outer=$!
  until_true 10 first_child "$outer"
  init=$(first_child "$outer")
  # Degraded, where some unit of Debian's own does not start here.
  until_true 30 sh -c "nsenter --target $init --mount --pid --uts --ipc --net --cgroup systemctl is-system-running | grep -qE 'running|degraded'"
  seen "$(inside systemctl --version | head -1) as the first process"
}

first_child() {
  local pid
  pid=$(tr -d ' ' <"/proc/$1/task/$1/children")
  grep -q systemd "/proc/$pid/comm" && echo "$pid"
}

leave() {
  local rc=$?
  [ $rc = 0 ] || [ -z "$init" ] || inside journalctl --no-pager -q -n 20 -u chancery >&2 || true
  if [ -n "$init" ]; then kill -9 "$init" 2>/dev/null || true; fi
}

inside() {
  nsenter --target "$init" --mount --pid --uts --ipc --net --cgroup env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

tenant() {
  inside systemd-run --quiet --pipe --wait --unit=chancery-init -p DynamicUser=yes -p User=chancery -p StateDirectory=chancery -p StateDirectoryMode=0700 -p UMask=0077 \
    -p LoadCredential=master.key:/etc/chancery/master.key -p Environment=CHANCERY_MASTER_KEY_FILE=/run/credentials/chancery-init.service/master.key \
    /usr/local/bin/chancery init --json --tenant "$1" --origin "https://login.$1.example" --config /etc/chancery/chancery.toml
}

ready() {
  inside chancery ready
}

pid() {
  inside systemctl show -p MainPID --value chancery
}

user() {
  inside stat -c %u "/proc/$(pid)"
}

token() {
  nsenter --target "$init" --net curl -fsS -H 'host: login.acme.example' -d "$(token_form "$root/tmp/made.json")" http://127.0.0.1:4000/oauth/token | grep -q '"access_token":"ey'
}

folder() {
  local found
  found=$(inside stat -c '%a %u' /var/lib/private/chancery)
  [ "$found" = "700 $(user)" ] || { echo "the folder is $found" >&2; return 1; }
  [ "$(inside stat -c %u /var/lib/private/chancery/chancery.db)" = "$(user)" ]
  seen "state in /var/lib/private/chancery (mode and owner $found)"
}

# What the kernel says of the process, not what the unit asks for.
sandbox() {
  local status main
  main=$(pid)
  status=$(inside cat "/proc/$main/status")
  local line
  for line in 'NoNewPrivs:\s1' 'Seccomp:\s2' 'CapBnd:\s0000000000000400' 'CapEff:\s0000000000000400'; do
    grep -qP "$line" <<<"$status" || { echo "not so: $line" >&2; return 1; }
  done
  local id
  id=$(user)
  [ "$id" -ge 61184 ]
  inside cat "/proc/$main/mounts" | grep -qE '^\S+ / \S+ ro,' || { echo "the root can be written" >&2; return 1; }
  # The credential is a file of its own, in memory; the key itself cannot be read by the account.
  inside nsenter --target "$main" --mount setpriv --reuid "$id" --clear-groups cat /etc/chancery/master.key >/dev/null 2>&1 && return 1
  seen "no new privileges, system calls filtered, one capability, user $id, file system read-only, master key unreadable"
  seen "exposure: $(inside systemd-analyze security chancery.service | tail -1 | sed 's/^[^O]*//')"
}

killed() {
  local before
  before=$(pid)
  inside kill -9 "$before"
  until_true 15 sh -c "[ \"\$(nsenter --target $init --mount --pid --net --ipc --cgroup systemctl show -p MainPID --value chancery)\" -gt 0 ]"
  until_true 15 ready
  [ "$(pid)" != "$before" ]
  until_true 5 token
  seen "killed with SIGKILL: back by itself, with its tenant"
}

stopped() {
  local began=$SECONDS
  inside systemctl stop chancery
  [ "$(inside systemctl show -p Result --value chancery)" = success ]
  inside journalctl --no-pager -q -u chancery | tail -1 | grep -q '"message":"stopped"' || { echo "it did not end by itself" >&2; return 1; }
  seen "stopped by SIGTERM, by itself, in $((SECONDS - began)) s"
}

main
