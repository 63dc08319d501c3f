# make test   everything that must hold: formatting, vet, staticcheck, all tests under the race detector, the demo
# make bench  the speed table (ratios against the bare client and the peer, from one run), then the packages' own benchmarks, briefly
# make build  the binary, ./postflight
# make lint   formatting, vet and staticcheck alone

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -funcalign=16 -X main.version=$(VERSION)

# Most of the daemon's memory is its own program (docs/performance.md). What neither a probe nor a scrape spends its time in
# is compiled without inlining, and functions begin at each 16 bytes instead of 32: that is 0.6 MB less.
COLD     = github.com/alecthomas/... github.com/godbus/... go.yaml.in/... golang.org/... google.golang.org/...
GCFLAGS  = $(foreach packages,$(COLD),-gcflags=$(packages)=-l)

# What the tests need besides Go: a systemd to crash units in, the real backend with its database and cache, promtool,
# and buildah, which builds the image and runs it.
DEBIAN_PACKAGES = systemd dbus polkitd util-linux mount curl buildah prometheus prometheus-alertmanager redis-server mariadb-server \
	python3-fastapi python3-uvicorn python3-jwt python3-sqlalchemy python3-pymysql python3-redis python3-venv

.PHONY: test bench build lint demo packages

test: packages lint
	$(GO) test -race -timeout 20m ./...
	$(GO) run ./cmd/postflight demo --script --web.listen-address 127.0.0.1:0

bench: DEBIAN_PACKAGES = prometheus-blackbox-exporter
bench: packages build
	$(GO) run ./internal/bench -postflight ./postflight
	$(GO) test -run '^$$' -bench . -benchtime 100ms -benchmem ./...

build:
	CGO_ENABLED=0 $(GO) build -trimpath $(GCFLAGS) -ldflags '$(LDFLAGS)' -o postflight ./cmd/postflight

lint:
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# As root on Debian or Ubuntu the missing packages are installed; anyone else's tests say what they lack and skip
# (under CI=true they fail).
packages:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		missing=$$(for p in $(DEBIAN_PACKAGES); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
		if [ -n "$$missing" ]; then \
			echo "installing" $$missing; \
			{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$missing; } >apt.log 2>&1 \
				|| { cat apt.log; exit 1; }; rm -f apt.log; \
		fi; \
	fi
