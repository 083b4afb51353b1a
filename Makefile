# One command does what CI does: `make test`. It needs Rust, Python 3, Node, tmux and a C compiler, and nothing that they do not bring.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
TYPOS_VERSION := 1.52.0
PEERS_PYTHON := $(TARGET)/peers/python/bin
TYPOS := $(PEERS_PYTHON)/typos-$(TYPOS_VERSION)

# What is kept between two runs of a cold build only costs time and room.
ifdef CI
export CARGO_INCREMENTAL := 0
endif

.DEFAULT_GOAL := help
.PHONY: help build test check-format check-lints check-docs check-spelling lint peers chaos sim pictures bench audit clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the program as it is used: target/release/recado
	$(CARGO) build --release --locked

# The order is from what fails soonest. Programs and tests are built in one go, so that the tests find the program that belongs to them.
test: ## Do what CI does: format, lints, spelling, docs, every test
	$(CARGO) fetch --locked
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory peers
	$(CARGO) build --locked --workspace --bins --tests --examples
	$(CARGO) test --locked --workspace --no-fail-fast

lint: check-format check-spelling check-lints check-docs ## Format, spelling, clippy and docs, without the tests

check-format:
	$(CARGO) fmt --all -- --check

check-lints:
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

check-docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items

check-spelling: $(TYPOS)
	$(TYPOS) --config _typos.toml

$(TYPOS):
	scripts/peers.sh
	$(PEERS_PYTHON)/python -m pip install --quiet --disable-pip-version-check --no-input typos==$(TYPOS_VERSION)
	ln -f $(PEERS_PYTHON)/typos $@

peers: ## Install the ZeroMQ programs that the interoperability tests talk to
	scripts/peers.sh

chaos: ## Kill, stop and cut off server and broker under load: make chaos ROUNDS=200 SEED=7
	$(CARGO) build --locked --bins
	CHAOS_ROUNDS=$(or $(ROUNDS),200) CHAOS_SEED=$(or $(SEED),$(shell date +%s)) \
		$(CARGO) test --locked -p recado-tests --test chaos -- --nocapture

sim: ## Simulate the whole system: SEEDS=10000 from FROM=0, or one with its trace: SEED=7
	SEEDS=$(SEEDS) FROM=$(FROM) SEED=$(SEED) $(CARGO) run --locked --release --quiet -p recado-tests --example simulate

pictures: ## Play a day in the chat and draw docs/client*.svg from what the terminal shows
	$(CARGO) build --locked --bins
	$(CARGO) run --locked --quiet -p recado-tests --example pictures

bench: ## Measure speed and memory, and write docs/benchmarks*.md (optimised build; takes half an hour)
	scripts/bench-peers.sh
	$(CARGO) build --release --locked
	$(CARGO) bench --locked -p recado-tests --bench broker -- --write docs
	$(CARGO) bench --locked -p recado-tests --bench secured -- --write docs
	$(CARGO) bench --locked -p recado-tests --bench publish -- --write docs
	$(CARGO) bench --locked -p recado-tests --bench store
	$(CARGO) bench --locked -p recado-tests --bench search
	$(CARGO) bench --locked -p recado-server --bench append

audit: ## Look for known weaknesses in dependencies (needs the network and cargo-deny)
	@command -v cargo-deny >/dev/null \
		|| { echo "make audit needs cargo-deny: cargo install --locked cargo-deny" >&2; exit 1; }
	$(CARGO) deny --locked check advisories bans licenses sources \
		|| { echo "make audit: a rule of deny.toml is broken, or the database of advisories could not be fetched (the lines above say which)" >&2; exit 1; }

clean: ## Remove everything that was built or installed here
	$(CARGO) clean
