# Portcullis from the command line. `make` alone lists what there is.
# Each target does its own set-up: what is missing is installed where that can be done, and named where it cannot.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# One target folder for everything, tools included; CARGO_TARGET_DIR moves it.
TARGET := $(or $(CARGO_TARGET_DIR),target)
CONFIG ?= config/portcullis.yaml
# Seconds for each of the five fuzz targets: a minute in all.
FUZZ_SECONDS ?= 12
# The sets of `make eval`.
DATA ?= $(PORTCULLIS_DATA)
# Passed to benches/compare/run.py, e.g. ARGS="--seconds 3 --only nginx,portcullis-on".
ARGS ?=

export FUZZ_SECONDS

.PHONY: help build run models test lint bench storebench eval train cover fuzz schemathesis onnxruntime clean

help: ## List the targets
	@echo 'Portcullis: make TARGET'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the release binary with its console: target/release/portcullis
	@scripts/packages.sh build
	@scripts/dashboard.sh
	cargo build --release --locked --package portcullis --bin portcullis
	@echo "built $(TARGET)/release/portcullis"

run: build models ## Gateway on 127.0.0.1:8080 with its console, before a demo API, or UPSTREAM=http://host:port
ifdef UPSTREAM
	PORTCULLIS_UPSTREAM='$(UPSTREAM)' exec $(TARGET)/release/portcullis run --config $(CONFIG)
else
	@mkdir -p .portcullis
	@echo 'records of the demo: .portcullis/demo.jsonl'
	exec $(TARGET)/release/portcullis run --config $(CONFIG) --demo --open >.portcullis/demo.jsonl
endif

# Without network the gateway does without: it says so when it starts.
models:
	@scripts/onnxruntime.sh $(TARGET)/lib || echo 'the library of ONNX Runtime is not to be had: the models stay out'

test: ## Run every test, then the fuzz targets for a minute
	@scripts/test.sh

lint: ## Formatting, clippy, dependencies, documentation
	@scripts/lint.sh

bench: ## The same load through Portcullis and its peers, side by side
	@scripts/packages.sh build bench
	cargo build --release --locked --package portcullis --bin portcullis --example bare
	python3 benches/compare/run.py --target-dir $(TARGET) $(ARGS)

storebench: ## p99 and the worker's CPU with the store and without it, at 2,000 requests/s
	@scripts/packages.sh build bench
	cargo build --release --locked --package portcullis --bin portcullis
	python3 benches/compare/store.py --binary $(TARGET)/release/portcullis $(ARGS)

eval: ## What is stopped and what is left alone, by the sets in DATA=DIR
	@scripts/packages.sh build models
	@scripts/onnxruntime.sh $(TARGET)/lib
	cargo build --release --locked --package portcullis --bin portcullis
	$(TARGET)/release/portcullis eval --table --data '$(DATA)' $(ARGS)

train: ## The models, from DATA=DIR; without it a small set from made-up traffic alone, which goes to target/train
	@scripts/packages.sh build
	cargo build --release --locked --package portcullis --bin portcullis
	PORTCULLIS_BIN=$(TARGET)/release/portcullis "$$(scripts/python.sh)" -m portcullis_train all --work $(TARGET)/train \
		$(if $(DATA),--data '$(DATA)',--models $(TARGET)/train/out) $(ARGS)

cover: ## Line coverage of the tests
	@scripts/cover.sh

fuzz: ## Run each fuzz target for FUZZ_SECONDS
	@scripts/packages.sh build fuzz
	@scripts/fuzz.sh

schemathesis: ## Try the admin API as its OpenAPI document describes it
	@scripts/packages.sh build
	cargo build --locked --package portcullis --bin portcullis
	@BINARY=$(TARGET)/debug/portcullis scripts/schemathesis.sh

onnxruntime: ## The library that runs models: target/lib/libonnxruntime.so
	@scripts/packages.sh models
	@scripts/onnxruntime.sh $(TARGET)/lib

clean: ## Remove what was built, tools included
	rm -rf $(TARGET) tests/fuzz/target dashboard/node_modules dashboard/dist/site
