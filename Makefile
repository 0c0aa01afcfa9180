# make            build bin/skewatch
# make test       everything that must hold before a change goes in; under 20 minutes on two cores
# make acceptance the end-to-end tests in full length, with their figures
# make accuracy   what the estimator reaches on simulated hosts, in full length
# make bench      the benchmarks
# make screenshots  pictures of the dashboard's pages, into bin/screenshots
# make deps       the programs that the tests talk to (Debian packages)
# make fmt        format the source

export PATH := $(PATH):/usr/sbin:/sbin
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

END_TO_END := ^TestEndToEnd
EXPERIMENTS := ^Test(Accuracy|Skew|Intervals|Events|Soak|ForeignStamps|NoisyReference|Vote.*|NoVote.*|FewMove|FleetDay)$$
FAULTS := ^Test(Kill|PowerCut|DamagedFiles|DamageWhileOpen|FullDisk|Months)$$

.PHONY: build deps test lint cross race long fuzz end-to-end acceptance accuracy bench screenshots fmt

build:
	CGO_ENABLED=0 go build -trimpath -o bin/skewatch ./cmd/skewatch

deps:
	@.ci/deps
	@go mod download

# One after the other, whatever -j says: the end-to-end tests measure clocks, wait more than they work, and
# want the machine for themselves.
test:
	@$(MAKE) deps
	@$(MAKE) lint
	@$(MAKE) cross
	@$(MAKE) race
	@$(MAKE) long
	@$(MAKE) fuzz
	@$(MAKE) end-to-end

lint:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "make fmt would change: $$unformatted" >&2; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	.ci/vulnerabilities

cross:
	@for target in windows/amd64 darwin/amd64 freebsd/amd64 linux/arm64 linux/386; do \
		echo "build $$target"; \
		export CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/}; \
		go build ./... && go vet ./... || exit 1; \
	done

# All tests but the end-to-end ones, which have their own turn, and those marked long.
race:
	go test -race -timeout 10m -skip '$(END_TO_END)' ./...

# The tests that race leaves out: simulations, in which it could find nothing.
long:
	go test -timeout 10m ./analysis

fuzz:
	.ci/fuzz 50000x

end-to-end:
	go test -count 1 -timeout 15m -parallel 4 -run '$(END_TO_END)' ./cmd/skewatch

acceptance: deps accuracy
	SKEWATCH_ACCEPTANCE=1 go test -count 1 -timeout 60m -v -run '$(END_TO_END)' ./cmd/skewatch
	SKEWATCH_ACCEPTANCE=1 go test -count 1 -timeout 30m -v -run '$(FAULTS)' ./storage

accuracy:
	SKEWATCH_ACCURACY=full go test -count 1 -timeout 60m -v -run '$(EXPERIMENTS)' ./analysis

bench:
	go test -run '^$$' -bench . -benchmem ./...

screenshots: deps
	mkdir -p bin/screenshots
	SKEWATCH_SCREENSHOTS=$(CURDIR)/bin/screenshots go test -count 1 -run '^TestEndToEndScreenshots$$' ./cmd/skewatch

fmt:
	gofmt -w .
