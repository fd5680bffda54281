# Everything is built and checked from here. "make help" lists the targets.

SEEDS     ?= 20000
# "make sim": how many new seeds, SEEDS if empty, and the first of them, if not a random one.
FRESH     ?=
FIRST     ?=
STATES    ?= 3000000
FUZZTIME  ?= 10s
# How many fuzz targets run at a time: one for each core if empty.
FUZZLANES ?=
BENCHTIME ?= 1s
BENCHRUNS ?= 3
# "make bench-peers": how often each way moves its unit.
ROUNDS    ?= 12
# A commit to lay the phases of a switch beside.
BESIDE    ?=
# How many planned switches "make e2e" times, half of them back.
SWITCHES  ?= 10
E2E_SKIP  ?= ^$$
PKG       ?= ./...
# "make torture": how long, from which seed (empty is a random one), which recipe
# (a name or a number, "all" for each, "list" to see them; empty for random faults),
# and how many runs of each.
SEED      ?=
RECIPE    ?=
RUNS      ?=
# Where claims are kept: git, or etcd.
STORE     ?=
# "make mutants": a number whose remainder by three picks a third of them; empty for all.
TURN      ?=
# More flags for the tests of "make test" and "make e2e", such as -json or -run.
TESTFLAGS ?=

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory

# The race detector needs a C compiler; without one the tests run all the same. It
# waits a second at every program's end unless told otherwise.
RACE := $(if $(shell command -v $$(go env CC)),-race)

# $(call needs,file or folder,what is missing without it)
needs = test -e $(1) || { echo "error: $@: $(2) is not in this tree yet" >&2; exit 1; }
# $(call tested,package folder,test)
tested = grep -qs '^func $(2)(' $(1)/*_test.go || { echo "error: $@: $(1) has no $(2) yet" >&2; exit 1; }
# $(call summed,test,flags,word,noun): runs one test of the simulation in its
# folder, passes on what it prints, and ends with its summary, which must be
# "word: N noun, 0 violations".
define summed
@$(call tested,reconcile/sim,$(1))
@mkdir -p bin && go test -c -o bin/sim.test ./reconcile/sim
@cd reconcile/sim && ../../bin/sim.test -test.v -test.count=1 -test.timeout=60m -test.run '^$(1)$$' $(2) | \
	awk 'match($$0, /$(3): [0-9]+ $(4), [0-9]+ violations$$/) { last = substr($$0, RSTART); next } \
	{ print; fflush() } \
	END { if (last == "") { print "error: $(1) printed no summary" > "/dev/stderr"; exit 1 } \
	print last; exit last !~ / 0 violations$$/ }'
endef

.PHONY: help build demo test sim explore mutants torture fuzz e2e attacks bench bench-switch bench-peers bench-scale screenshots lint deb deb-twice clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "variables: SEEDS=$(SEEDS) STATES=$(STATES) FUZZTIME=$(FUZZTIME) BENCHTIME=$(BENCHTIME) BENCHRUNS=$(BENCHRUNS) SWITCHES=$(SWITCHES) E2E_SKIP=$(E2E_SKIP) PKG=$(PKG) TESTFLAGS=$(TESTFLAGS)"

build: ## bin/mainstay, one static file
	@$(call needs,cmd/mainstay,the program)
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o bin/mainstay ./cmd/mainstay

demo: build ## a whole deployment on this machine fails over and back
	@bin/mainstay demo

test: ## everything that needs no root, race detector on
	$(if $(RACE),,@echo "no C compiler: the race detector is off" >&2)
	go vet $(PKG)
	GORACE=atexit_sleep_ms=0 go test $(RACE) -timeout 20m $(TESTFLAGS) $(PKG)

sim: ## SEEDS random schedules of whole deployments that are always the same, and as many new ones
	$(call summed,TestSimSeeds,-sim.seeds=$(SEEDS) -sim.fresh=$(or $(FRESH),$(SEEDS)) $(if $(FIRST),-sim.first=$(FIRST)),sim,schedules)

explore: ## STATES reachable states of the handover rules, or all there are
	$(call summed,TestExplore,-explore.states=$(STATES),explore,states)

mutants: ## code broken on purpose, each break caught; TURN=n takes each third one, from the first if n is a multiple of three
	@$(call tested,reconcile/sim,TestMutants)
	go test -v -count=1 -timeout 60m -run '^TestMutants$$' ./reconcile/sim -mutants.all $(if $(TURN),-mutants.turn=$(TURN))

torture: build ## real agents and a hostile git server for SECONDS=n, SEED=s, RECIPE=name, RUNS=n, STORE=etcd
	@go build -o bin/torture ./e2e/torture
	@bin/torture -program bin/mainstay $(if $(STORE),-store $(STORE)) $(if $(filter command environment,$(firstword $(origin SECONDS))),-seconds $(SECONDS)) \
		$(if $(SEED),-seed $(SEED)) $(if $(RECIPE),-recipe $(RECIPE)) $(if $(RUNS),-runs $(RUNS))

fuzz: ## every fuzz target for FUZZTIME, FUZZLANES of them side by side
	@bash e2e/attack/fuzz.sh $(FUZZTIME) $(FUZZLANES)

e2e: ## real hosts on this machine; as root, installs what it needs
	@$(call needs,e2e/install.sh,the installation of the test hosts)
	bash e2e/install.sh
	go test -tags e2e -timeout 10m -count=1 $(TESTFLAGS) -run "OpenSSH|Gitolite|MemoryGroup|GnuPG" ./reconcile/git ./reconcile/git/signature
	go test -tags e2e -timeout 15m -count=1 $(TESTFLAGS) -run "Etcd" ./reconcile/etcd
	go test -tags e2e -timeout 10m -count=1 $(TESTFLAGS) -run "Monitoring" ./cmd/mainstay/demo
	@rm -rf bin/stories
	@failed=0; E2E_SWITCHES=$(SWITCHES) go test -tags e2e -timeout 70m -parallel 2 -count=1 -skip '$(E2E_SKIP)' $(TESTFLAGS) ./e2e/... || failed=1; \
	{ cat bin/stories/summary-*.txt 2>/dev/null || true; } | awk '{ print } /^story / { stories++ } /^fault: / { faults++ } \
		match($$0, /double-active [0-9.]+/) { if (/presumed/) said += substr($$0, RSTART + 14); else sum += substr($$0, RSTART + 14) } \
		END { printf "e2e: %d stories, %d combinations of faults, double-active %.2f s, and %.2f s where it was presumed\n", \
		stories, faults, sum, said }'; exit $$failed

attacks: ## every attack and accident that a test names, with its outcome
	@bash e2e/attack/run.sh $(TESTFLAGS)

screenshots: ## pictures of the web page in every state, into bin/screenshots; as root, installs what it needs
	@$(call needs,e2e/install.sh,the installation of the browser)
	bash e2e/install.sh page
	@rm -rf bin/screenshots && mkdir -p bin/screenshots
	go test -tags e2e -timeout 20m -count=1 -run 'TestPagesOfRareStates|TestAPageOfAThousandDeployments' ./e2e/browser -pictures "$(CURDIR)/bin/screenshots"
	@ls bin/screenshots

bench: ## measured against the budgets in some 20 minutes, or phases beside those of the commit BESIDE
	@$(if $(BESIDE),bash cmd/bench/beside.sh $(BESIDE),go run ./cmd/bench -benchtime $(BENCHTIME) -count $(BENCHRUNS) $(filter-out ./...,$(PKG)))

bench-switch: ## a planned switch leg by leg, with every request, beside that of the commit BESIDE
	@bash cmd/bench/switch.sh $(BESIDE)

bench-peers: ## beside Pacemaker, keepalived and a shell loop, in turn, on real hosts; into examples/MEASURED.md; as root
	@$(call needs,e2e/install.sh,the installation of the test hosts)
	bash e2e/install.sh
	PEERS_ROUNDS=$(ROUNDS) PEERS_INTO=$(CURDIR)/examples/MEASURED.md go test -tags e2e -timeout 40m -run '^$$' -bench '^BenchmarkPeers$$' -benchtime 1x ./e2e/peers

bench-scale: ## how many nodes git and etcd carry, and how both grow, for examples/SCALE.md; as root, 25 minutes
	@$(call needs,e2e/install.sh,the installation of the test hosts)
	bash e2e/install.sh
	go test -tags e2e -timeout 60m -run '^$$' -bench . -benchtime 1x ./reconcile/places/scale

lint: ## format, vet, staticcheck, imports, comments, sizes
	@failed=0; \
	unformatted=$$(find . -name '*.go' -not -path './.git/*' -print0 | xargs -0 gofmt -l) || failed=1; \
	test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; failed=1; }; \
	go vet ./... || failed=1; \
	go vet -tags e2e,onhost ./... || failed=1; \
	GOOS=darwin CGO_ENABLED=0 go build -o /dev/null ./cmd/mainstay || failed=1; \
	go run $(STATICCHECK) -tags e2e,onhost ./... || failed=1; \
	go run ./cmd/lint || failed=1; \
	exit $$failed

deb: ## Debian packages of the agent and of the page, in dist
	@$(call needs,cmd/mainstay/deb/build.sh,the packaging)
	bash cmd/mainstay/deb/build.sh dist

deb-twice: ## the packages built twice, in two places, must be the same
	@$(call needs,cmd/mainstay/deb/twice.sh,the check of the packaging)
	bash cmd/mainstay/deb/twice.sh

clean: ## remove what was built
	rm -rf bin dist
