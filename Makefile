# auth-diagnosis. `make help` lists what there is.

VERSION  ?= 0.1.0
KONG_BIN ?=
FUZZTIME ?= 30s
SOAK     ?= 10m
PLATFORMS = linux/amd64 linux/arm64

GO      = CGO_ENABLED=0 go
LDFLAGS = -s -w -X main.version=$(VERSION)
BUILD   = $(GO) build -trimpath -ldflags "$(LDFLAGS)"
# The plugin fetches keys over HTTP/1.1: without net/http's HTTP/2 it is half a megabyte less.
PLUGIN  = $(BUILD) -tags nethttpomithttp2

.DEFAULT_GOAL := help
.PHONY: help build demo demo-serve test deps spec soak bench fuzz dist generate check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/auth-diagnosis and bin/kongdev
	@mkdir -p bin
	$(PLUGIN) -o bin/ ./plugins/auth-diagnosis
	$(BUILD) -o bin/ ./cmd/kongdev

demo: ## see the main job: the tour, with every verdict
	@go run ./cmd/demo

demo-serve: ## keep the demo running and print the curl line of each row
	@go run ./cmd/demo -serve

test: deps ## everything: unit tests with the race detector, then the spec
	go test -race ./...
	$(MAKE) --no-print-directory spec

deps: ## install what the tests need, on Debian: a C compiler for -race, the proxies of the specs, Redis, Tcl
	@need=; \
	has() { test -e "$$1" || need="$$need $$2"; }; \
	command -v gcc >/dev/null || need="gcc libc6-dev"; \
	has /usr/sbin/haproxy haproxy; \
	has /usr/sbin/nginx nginx; \
	has /usr/share/nginx/modules-available/mod-http-js.conf libnginx-mod-http-js; \
	has /usr/sbin/apache2 apache2; \
	has /usr/sbin/squid squid; \
	has /usr/bin/redis-server redis-server; \
	has /usr/bin/redis-sentinel redis-sentinel; \
	has /usr/bin/tclsh tcl; \
	has /usr/share/tcltk/tcllib1.21 tcllib; \
	test -z "$$need" || { apt-get update -q && RUNLEVEL=1 apt-get install -qy --no-install-recommends $$need; }

spec: ## the black-box suite; KONG_BIN=/path/to/kong runs it on a real Kong
	KONG_BIN="$(KONG_BIN)" go test -count=1 -timeout 30m $(if $(KONG_BIN),-p 1) -tags spec ./spec/...

soak: ## mixed traffic for SOAK (10m): nothing may grow, no verdict may be wrong
	KONG_BIN="$(KONG_BIN)" SOAK=$(SOAK) go test -count=1 -v -timeout 0 -tags spec -run TestSoak ./spec/soak

bench: ## benchmarks; KONG_BIN=/path/to/kong adds a real Kong, BENCHFLAGS="-only servers" picks a part
	go run -tags spec ./spec/bench -kong "$(KONG_BIN)" $(BENCHFLAGS)

fuzz: ## every fuzz target, FUZZTIME (30s) each
	FUZZTIME=$(FUZZTIME) sh ./fuzz.sh

dist: ## release binaries with checksums in dist/
	@rm -rf dist && mkdir -p dist
	@for p in $(PLATFORMS); do \
	  GOOS=$${p%/*} GOARCH=$${p#*/} $(PLUGIN) -o dist/auth-diagnosis-$(VERSION)-$${p%/*}-$${p#*/} ./plugins/auth-diagnosis || exit 1; \
	done
	@cd dist && sha256sum auth-diagnosis-* > SHA256SUMS && cat SHA256SUMS

generate: ## rewrite what is generated: kong/schema.lua and tables in docs/
	go generate ./...

check: ## formatting, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt would change these files"; exit 1; }
	go vet ./...
	go vet -tags spec ./spec/...
	go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

clean: ## remove bin/ and dist/
	rm -rf bin dist
