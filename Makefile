# `make` alone lists what can be made.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test test-cluster test-libaom test-avif campaign lint fmt docs config corpus fuzz operations errors openapi api-test bench load figures bench-imaging bench-service bench-scale ci

# Where the servers under load and their yardsticks keep their files: the disk that is measured.
SCRATCH ?= target/tmp
LOAD := target/release/examples/load
SCALE := target/release/examples/scale
# Tests that run at once: most wait for servers more than they compute, and there is a bound to the connections of their PostgreSQL.
TEST_THREADS ?= $(shell most=$$(($$(nproc) + 2)); echo $$((most < 8 ? most : 8)))
# Arguments of the comparisons with peers, such as BENCH='--rounds 2' or BENCH='--page docs/benchmarks.md'.
BENCH ?=
# Arguments of schemathesis, such as API_TEST='--max-examples 200 --seed 1'.
API_TEST ?=
# How long each target is fuzzed, and which (none named: all).
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?=

help: ## List what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

run: ## Start the server (release build) with ./config.toml
	cargo run --release -- serve

test test-cluster: export RUST_TEST_THREADS := $(TEST_THREADS)
test: ## Run every test, with the planted faults of the feature `faults`
	@# A release must have no failpoint: the crate behind them comes with the feature only.
	@tree=$$(cargo tree --edges normal --prefix none); \
	if grep '^fail v' <<< "$$tree"; then echo 'the default features pull in the failpoints: see [features] in Cargo.toml' >&2; exit 1; fi
	scripts/install-test-servers
	scripts/test-cluster
	cargo test --features faults,s3

test-cluster: ## Run the suites of HTTP against clusters of three servers (two minutes)
	scripts/test-cluster

test-libaom: ## Run the tests of AVIF by the system's library (Debian: libaom-dev, and libavif-bin to judge by)
	@# Another build of the whole library for a few tests, most of whose time is that of C: it need not be a fast one.
	cargo test --config profile.dev.opt-level=0 --features faults,s3,libaom --test imaging -- avif::

test-avif: test-libaom ## Run them by rav1e, too
	cargo test --features faults,s3,avif --test imaging -- avif::

campaign: ## Run every proof of reliability at full size (two hours; root for power cuts) and write docs/reliability.md
	scripts/campaign

lint: ## Let clippy judge every target, with and without the planted faults
	@features=faults,s3; \
	if pkg-config --exists aom; then features+=,libaom; else echo 'skipped: clippy with libaom'; fi; \
	set -x; cargo clippy --all-targets --features $$features -- -D warnings
	cargo clippy --all-targets -- -D warnings

fmt: ## Format the sources
	cargo fmt

docs: ## Build the documentation; a broken link is an error
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --features faults,s3

config: ## Write config.toml anew from the schema in src/config
	cargo run --quiet -- config default > config.toml.new
	mv config.toml.new config.toml

corpus: ## Run every hostile file (SAFELIGHT_CORPUS) and 81 bombs through a child and count what came out
	SAFELIGHT_CORPUS_WHOLE=1 cargo test --features faults --test sandbox -- --nocapture corpus::

fuzz: ## Fuzz every decoder and the grammar (FUZZ_SECONDS=600 each, FUZZ_TARGETS all; needs nightly and cargo-fuzz)
	scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

operations: ## Write docs/operations.md and its pictures anew from the declarations in src/domain/pipeline
	SAFELIGHT_WRITE_DOCS=1 cargo test --quiet --test imaging the_page_of_operations

errors: ## Write docs/errors.md anew from the codes in src/domain/error_code.rs
	SAFELIGHT_WRITE_DOCS=1 cargo test --quiet --test interface the_page_of_errors

openapi: ## Write docs/openapi.json anew from the routes in src/http
	SAFELIGHT_WRITE_DOCS=1 cargo test --quiet --test interface the_description

api-test: ## Judge a server by its description with schemathesis (python3 with venv; API_TEST='--max-examples 200')
	cargo build
	scripts/schemathesis $(API_TEST)

bench: ## Run the benchmarks of supervision, the stores, the sandbox and the images (about 5 minutes; SAFELIGHT_PHOTOS)
	cargo bench --bench supervision --bench stores --bench queue_length --bench sandbox --bench imaging

load: ## Put a server under load and compare it with its yardsticks (about 6 minutes; SCRATCH=dir is the disk, SAFELIGHT_PHOTOS the images)
	cargo build --release --bin safelight --example load
	mkdir -p $(SCRATCH)
	$(LOAD) end-to-end --scratch $(SCRATCH)
	$(LOAD) uploads --scratch $(SCRATCH)
	$(LOAD) memory --scratch $(SCRATCH)
	$(LOAD) memory --images 300 --workers auto --scratch $(SCRATCH)
	$(LOAD) waiting --scratch $(SCRATCH)
	$(LOAD) idle --scratch $(SCRATCH)

figures: ## Run both and print the rows of the tables in docs/benchmarks.md
	@$(MAKE) --no-print-directory load | grep '^|'
	@$(MAKE) --no-print-directory bench | awk '/^\|/ { print } \
		/ time: +\[/ { name = /^ / ? line : $$0; sub(/ +time:.*/, "", name); if (name ~ /change/) next; match($$0, /\[.*\]/); split(substr($$0, RSTART + 1, RLENGTH - 2), t, " "); \
			print "| " name " | none | **" t[3] " " t[4] "** (" t[1] " " t[2] " to " t[5] " " t[6] ") | `make bench` |" } \
		/[^ ]/ { line = $$0 }'

bench-imaging: ## Compare the imaging with sharp, libvips, Pillow, ImageMagick and `image` (about 15 minutes; BENCH='--rounds 2' for less)
	bench/install $(filter --oximg --libaom,$(BENCH))
	python3 bench/imaging.py $(BENCH)

bench-service: ## Compare the server with fastify + BullMQ + sharp, thumbor and ipx (about 20 minutes; BENCH='--rounds 2' for less)
	bench/install
	python3 bench/service.py $(BENCH)

bench-scale: ## Let 1 to 8 nodes share a throwaway PostgreSQL: the tables and plans of docs/scale.md (about 17 minutes, 6 GB; SCRATCH=dir is the disk)
	scripts/install-test-servers
	cargo build --release --example scale
	$(SCALE) throughput --scratch $(SCRATCH)
	$(SCALE) standing --scratch $(SCRATCH)
	$(SCALE) queue --scratch $(SCRATCH)
	$(SCALE) old-view --scratch $(SCRATCH)
	RUST_LOG=tokio_postgres=info $(SCALE) plans --scratch $(SCRATCH)

ci: ## Everything that a change must pass
	.ci/run
