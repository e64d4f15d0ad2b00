# Everything a developer needs, by name. `make test` is what CI runs.
CARGO ?= cargo
export CARGO_TERM_COLOR ?= auto

.PHONY: dev dashboard built-dashboard release release-trained test check fmt lint unit interop fuzz-smoke client schemathesis bench bench-trained bench-peers test-cluster recordings clean-data setup

## Build and start a demo tenant on http://localhost:4000 and https://localhost:4443.
dev: built-dashboard
	$(CARGO) run --quiet -p chancery -- dev --ready-file .chancery/ready.json

# On Linux the C library goes into the binary: it runs in an empty image and on every distribution, and takes less memory.
STATIC := $(if $(filter Linux,$(shell uname -s)),-- -C target-feature=+crt-static)

## One optimised binary in target/release, which needs nothing of the system it runs on.
release: built-dashboard
	$(CARGO) rustc --release --locked -p chancery --bin chancery $(STATIC)

## The same in target/trained, built by the profile of a training run: quicker, and in a quarter less memory. Takes three times as long.
release-trained: built-dashboard
	./scripts/trained-release.sh

## The dashboard, for the next build of the server. Needs Node.
dashboard:
	./scripts/dashboard.sh --require

built-dashboard:
	@./scripts/dashboard.sh

## Everything; installs what the tests need.
test: setup check interop recordings fuzz-smoke

## Formatting, lints and the Rust tests.
check: fmt lint unit

## Installs PostgreSQL and Chromium where they are missing (Debian and Ubuntu, as root).
setup:
	./scripts/setup.sh

fmt:
	$(CARGO) fmt --all --check

lint:
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --offline check bans licenses sources; \
	else echo "cargo-deny is not installed: licences, sources and bans are left to the tests, for this system alone"; fi

unit:
	CHANCERY_REQUIRE_POSTGRES=$(CHANCERY_REQUIRE_POSTGRES) $(CARGO) test --workspace --locked

## Unmodified SDKs and a real browser against the binary.
interop: built-dashboard
	$(CARGO) build --locked -p chancery
	./interop/run.sh

## Each fuzz target for a few seconds.
fuzz-smoke:
	./fuzz/smoke.sh 10

## 10,000 requests made up from the server's description: none may end in a 5xx.
schemathesis:
	SCHEMATHESIS_CASES=10000 INTEROP_SECONDS=3600 ./interop/run.sh schemathesis

## The types of the TypeScript client, from the server's own description.
client:
	$(CARGO) run --quiet -p chancery-management --example openapi > target/openapi.json
	cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund && npx openapi-typescript ../../target/openapi.json --output src/schema.d.ts

## Throughput and latency, each beside its floor measured in the same run.
bench: release
	$(CARGO) build --release --locked -p chancery-bench
	target/release/chancery-bench $(ARGS)

## The same with the trained binary, beside a floor that was trained with it.
bench-trained: built-dashboard
	./scripts/trained-release.sh --bench
	target/trained/chancery-bench $(ARGS)

## The same requests against Chancery and other servers from package registries. Needs Node; Go and a C compiler, Java and Maven for all.
bench-peers: release
	./bench/peers/install.sh
	node bench/peers/run.mjs $(ARGS)

## Three nodes over PostgreSQL under Patroni, while machines die and cables are pulled. Linux, as root; not part of `make test`.
test-cluster: release
	./scripts/setup.sh --cluster
	cd tests/cluster && python3 -m unittest -q test_checker && ./run.py $(ARGS)

## Recorded real exchanges against a live dev server, where they are at hand (../shared).
recordings:
	./scripts/recordings.sh $(ARGS)

## Forget the demo tenant.
clean-data:
	rm -rf .chancery
