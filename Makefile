SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export CGO_ENABLED ?= 0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: build ## build all and start the console on this machine
	@bin/kenshin serve --data .kenshin

build: assets ## bin/kenshin
	@mkdir -p bin
	@scripts/build.sh '$(VERSION)' bin/kenshin

assets: ## the browser side, when Node is on this machine
	@scripts/assets.sh

test: ## install what tests need (as root on Debian) and run all of them
	@scripts/test.sh

generate: ## templ -> Go
	@go tool templ generate

check: ## vet, formatting, generated files
	@scripts/check.sh

fuzz: ## each fuzz target for FUZZTIME (20s)
	@scripts/fuzz.sh

bench: build ## benchmarks as ratios; needs root for the lab. BENCH_PEERS=1 also runs the slow peers
	@scripts/bench.sh

soak: build ## kill, restart, verify, for an hour
	@scripts/soak.sh

boot: ## the .deb on a booted Debian of its own: boots, power cuts, upgrades; as root, with debootstrap and systemd-container
	@scripts/boot-test.sh

package: build ## a .deb with a hardened systemd unit
	@scripts/package.sh

clean: ## what was built
	@rm -rf bin dist web/asset/dist/*

.PHONY: help run build assets test generate check fuzz bench soak boot package clean
