# Each target is one plain command. `make check` is what has to pass before a change lands.

ALL     := ./... ./integration/...
FUZZTIME ?= 1m
LINTER   = $$(GOWORK=off go -C tools tool -n golangci-lint)

.PHONY: help build test lint format fuzz bench cases integration worlds dev check

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

build: ## the static binary, without the workspace
	GOWORK=off CGO_ENABLED=0 go build -trimpath -o rolegate ./cmd/rolegate

test: ## all tests, on the embedded database
	go test $(ALL)

lint: ## linters and format check
	$(LINTER) run $(ALL)

format: ## format all files
	$(LINTER) fmt

fuzz: ## every fuzz target for FUZZTIME (default 1m)
	tools/fuzz $(FUZZTIME)

bench: ## all benchmarks; compare two runs with: GOWORK=off go -C tools tool benchstat OLD NEW
	go test -run '^$$' -bench . -benchmem ./...

cases: ## the case corpus: what the rules mean
	go test -run 'Case' ./integration/

integration: ## end-to-end tests; ROLEGATE_TEST_MONGODB_URI chooses the server
	go test -count=1 ./integration/...

worlds: ## random rules, documents and requests against the reference model, for long
	ROLEGATE_WORLDS_SCALE=20 go test -count=1 -timeout 2h ./integration/worlds

dev: ## an embedded database, an example app and the server
	go run ./integration/quickstart

check: ## everything that has to pass before a change lands
	tools/check
