#!/usr/bin/env bash
# The manifests: rendered, held against the schemas of three releases of Kubernetes, and their pod run by podman, with a database in
# its own memory. No cluster: what only one does (spreading, rolling, network policies, the pause before a stop) is not tried.
#
#     deploy/try/kubernetes.sh [IMAGE]       # localhost/chancery, which deploy/try/container.sh builds
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/try/lib.sh
need kubectl python3

image=${1:-localhost/chancery}
work=$(mktemp -d)

main() {
  trap leave EXIT
  kubectl kustomize deploy/kubernetes >"$work/all.yaml"
  seen "rendered: $(grep -c '^kind:' "$work/all.yaml") objects"
  schemas
  pod
}

schemas() {
  if ! command -v kubernetes-validate >/dev/null; then
    echo "  not tried: schemas (pip install kubernetes-validate)"
    return
  fi
  local release
  for release in 1.30 1.34 1.37; do
    kubernetes-validate --strict --quiet --kubernetes-version "$release" "$work/all.yaml"
    seen "as the schemas of $release have it"
  done
}

pod() {
  if ! command -v podman >/dev/null || ! command -v catatonit >/dev/null || ! podman image exists "$image" || ! python3 -c 'import yaml' 2>/dev/null; then
    echo "  not tried: the pod (podman, catatonit, python3-yaml and $image)"
    return
  fi
  install -d -o 65532 -m 700 "$work/secret"
  head -c 32 /dev/urandom | base64 | install -o 65532 -m 400 /dev/stdin "$work/secret/master.key"
  local_pod >"$work/pod.yaml"
  # No higher than this machine's.
  printf '[containers]\ndefault_ulimits = ["nofile=%s:%s", "nproc=4096:4096"]\n' "$(ulimit -n)" "$(ulimit -n)" >"$work/containers.conf"
  export CONTAINERS_CONF=$work/containers.conf
  engine kube play --network slirp4netns "$work/pod.yaml" >/dev/null 2>"$work/play.log" || { tail -3 "$work/play.log" >&2; return 1; }
  until_true 20 at_pod curl -fsS http://127.0.0.1:9464/readyz
  at_pod curl -fsS http://127.0.0.1:9464/healthz >/dev/null
  at_pod curl -fsS -H 'host: login.acme.example' http://127.0.0.1:4000/.well-known/openid-configuration | grep -q '"issuer":"https://login.acme.example/"'
  seen "the pod is ready and alive, and serves its tenant"
}

# The deployment's pod with its configuration, and what the manifests leave to others: a master key, a tenant.
local_pod() {
  python3 - "$work/all.yaml" "$image" "$work/secret" <<'PYTHON'
import sys, yaml
kinds = {it["kind"]: it for it in yaml.safe_load_all(open(sys.argv[1]))}
config, deployment = kinds["ConfigMap"], kinds["Deployment"]
pod = deployment["spec"]["template"]["spec"]
deployment["spec"]["replicas"] = 1
pod["restartPolicy"] = "Never"  # or it makes the tenant again and again
server = pod["containers"][0]
server["image"] = sys.argv[2]
server["imagePullPolicy"] = "Never"
# Podman 4.3 takes no variable from a secret, and lets everybody read a volume of one, which the server refuses.
server["env"] = [{"name": it["name"], "value": it.get("value", "sqlite:/tmp/chancery.db")} for it in server["env"]]
for volume in pod["volumes"]:
    if volume.pop("secret", None):
        volume["hostPath"] = {"path": sys.argv[3], "type": "Directory"}
kept = ("image", "imagePullPolicy", "env", "securityContext", "volumeMounts")
pod["initContainers"] = [{**{key: server[key] for key in kept}, "name": "init",
    "args": ["init", "--json", "--tenant", "acme", "--origin", "https://login.acme.example", "--config", "/etc/chancery/chancery.toml"]}]
yaml.safe_dump_all([config, deployment], sys.stdout)
PYTHON
}

# In the network of the pod.
at_pod() {
  nsenter --target "$(engine inspect -f '{{.State.Pid}}' chancery-pod-0-chancery)" --net "$@"
}

leave() {
  [ $? = 0 ] || { engine ps --all --format '{{.Names}} {{.Status}}'; engine logs chancery-pod-0-chancery | tail -5; } >&2 || true
  [ ! -f "$work/pod.yaml" ] || engine kube down "$work/pod.yaml" >/dev/null 2>&1 || true
  rm -rf "$work"
}

main
