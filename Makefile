# make train PYTHON=python3.12 uses that interpreter, in .venv-3.12; without PYTHON it is the first
# supported one of python3, python3.12, python3.11 and python3.10, in .venv.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ARGS ?=
PYTEST_ARGS ?=
# The image gives --system-site-packages, because ROS from apt is outside the environment.
VENV_OPTIONS ?=
# Whole files to one worker each, because their fixtures are made once a file.
PYTEST := -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile
LOCKED_PYTHONS := 3.10 3.11 3.12
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

PRINT_VERSION := import sys; print("%d.%d" % sys.version_info[:2])
SUPPORTED := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))

ifeq ($(origin PYTHON), undefined)
VENV := .venv
VERSION := $(shell cat $(VENV)/.created 2>/dev/null)
ifeq ($(VERSION),)
PYTHON := $(shell for python in python3 python3.12 python3.11 python3.10; do \
	"$$python" -c '$(SUPPORTED)' 2>/dev/null && echo "$$python" && break; done)
VERSION := $(if $(PYTHON),$(shell $(PYTHON) -c '$(PRINT_VERSION)'))
endif
else
VERSION := $(shell "$(PYTHON)" -c '$(PRINT_VERSION)' 2>/dev/null)
VENV := .venv-$(VERSION)
endif

RUN := $(VENV)/bin/python
# Empty for an unsupported interpreter, which the first rule below refuses.
PINS := $(wildcard requirements/py$(subst .,,$(VERSION)).txt)
ROS_VENV := $(VENV)-ros
ROS_PINS := $(wildcard requirements/ros-py$(subst .,,$(VERSION)).txt)
PEERS_VENV := $(VENV)-peers
PEERS_PINS := $(wildcard requirements/peers-py$(subst .,,$(VERSION)).txt)
TORCH := torch==2.13.0
# The index of PyTorch's builds without CUDA, which its installation page names; without it comes the
# default build, with gigabytes of CUDA libraries.
TORCH_INDEX ?=
KERNELS := $(wildcard f1_rl/*/*_kernels.py)

# $(call INSTALLER,PYTHON) defines the shell's install. A download of a gigabyte may break off, and a
# disk may be full: it tells what is free and begins once more. Warnings about an index are not ours.
define INSTALLER
install() { \
	$(1) -m pip install --quiet --quiet "$$@" || { \
		echo "The installation broke off, with $$(df -Ph . | awk 'END {print $$4}') of disk free: once more." >&2; \
		$(1) -m pip install --quiet --quiet "$$@"; }; }
endef

.PHONY: help
help: ## List the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

.PHONY: train
train: setup ## Set everything up and train (ARGS="--circuit oval" passes options on)
	@$(VENV)/bin/f1-rl train $(ARGS)

.PHONY: test
test: setup ## Set everything up and run ruff, mypy, the site's build and pytest (PYTEST_ARGS="-k camera")
	@failed=""; \
	$(MAKE) lint || failed="make lint"; \
	$(RUN) $(PYTEST) $(PYTEST_ARGS) || failed="$${failed:+$$failed and }pytest"; \
	if [[ -n $$failed ]]; then echo "$$failed failed: see above." >&2; exit 1; fi

.PHONY: test-tensorflow
test-tensorflow: setup ## Set everything up and run the tests that need TensorFlow
	@$(RUN) $(PYTEST) -m tensorflow $(PYTEST_ARGS)

.PHONY: ros
ros: $(ROS_VENV)/.ready ## Make an environment with ROS 2 from wheels beside it (f1-rl launch)
	@echo "$(ROS_VENV) is ready: $(ROS_VENV)/bin/f1-rl launch train"

# An environment of its own: with the ROS wheels in it an interpreter starts twice.
$(ROS_VENV)/.ready: requirements/build.txt $(ROS_PINS) setup.py | $(VENV)/.created
	@echo "Installing $$(grep -c == $(ROS_PINS)) pinned packages with ROS 2 among them (1 GB to download) ..."; \
	rm -rf $(ROS_VENV); $(RUN) -m venv $(ROS_VENV); \
	$(call INSTALLER,$(ROS_VENV)/bin/python); \
	install --no-deps --require-hashes -r requirements/build.txt; \
	install --no-deps --require-hashes --no-build-isolation -r $(ROS_PINS); \
	install --no-deps --no-build-isolation --editable .; \
	$(ROS_VENV)/bin/python -c 'from f1_rl.simulation import warm_up; warm_up()'; \
	touch $@; echo "Installed them ($$SECONDS s)."

.PHONY: test-ros
test-ros: $(ROS_VENV)/.ready ## Run the tests of the nodes on real ROS 2 wheels (an environment of their own)
	@$(ROS_VENV)/bin/python -m pytest tests/ros tests/nodes tests/launching tests/docs $(PYTEST_ARGS)

.PHONY: peers
peers: $(PEERS_VENV)/.ready ## Make an environment with what f1-rl benchmark compares with (PyTorch, JAX)
	@echo "$(PEERS_VENV) is ready: $(VENV)/bin/f1-rl benchmark"

# An environment of its own: PyTorch and JAX want other versions of what TensorFlow wants.
$(PEERS_VENV)/.ready: requirements/build.txt $(PEERS_PINS) setup.py | $(VENV)/.created
	@echo "Installing $(TORCH) and $$(grep -c == $(PEERS_PINS)) pinned packages (0.5 GB to download, 2 GB on disk) ..."; \
	rm -rf $(PEERS_VENV); $(RUN) -m venv $(PEERS_VENV); \
	$(call INSTALLER,$(PEERS_VENV)/bin/python); \
	install --no-deps --require-hashes -r requirements/build.txt; \
	install --no-deps --require-hashes -r $(PEERS_PINS); \
	install $(if $(TORCH_INDEX),--no-deps --index-url $(TORCH_INDEX)) $(TORCH); \
	touch $@; echo "Installed them ($$SECONDS s)."

.PHONY: lint
lint: setup ## Check style and types, and that the documentation builds without a warning
	@status=0; \
	$(RUN) -m ruff check . || status=1; \
	$(RUN) -m ruff format --check . || status=1; \
	$(RUN) -m mypy || status=1; \
	$(MAKE) lint-docker || status=1; \
	$(MAKE) docs || status=1; \
	exit $$status

.PHONY: docs
docs: setup ## Write docs/reference and build the site into build/docs; warnings are errors
	@$(RUN) -m sphinx -q -n -W --keep-going --fresh-env --write-all --jobs auto \
		-d build/doctrees docs build/docs; \
	echo "The site is build/docs/index.html."

.PHONY: lint-docker
lint-docker: setup ## Check docker/: Dockerfile, compose file and scripts (needs no Docker)
	@status=0; \
	$(VENV)/bin/hadolint --config docker/hadolint.yaml docker/Dockerfile || status=1; \
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yaml \
		|| status=1; \
	for script in docker/*.sh; do bash -n "$$script" || status=1; done; \
	exit $$status

.PHONY: format
format: setup ## Format the code and repair what ruff can repair
	@$(RUN) -m ruff check --fix . || true
	@$(RUN) -m ruff format .

# They need ROS or Gazebo, a trained run, or hours.
NOT_ALONE := ros_% gazebo_% step_responses.py racing.py real_camera.py ablation.py

.PHONY: bench
bench: setup ## Measure on this machine what docs/results states (what needs neither ROS nor a run)
	@$(VENV)/bin/f1-rl benchmark; \
	for script in $(filter-out $(addprefix benchmarks/,$(NOT_ALONE)),$(wildcard benchmarks/*.py)); do echo "$$script"; $(RUN) "$$script" $(ARGS); done

.PHONY: worlds
worlds: setup ## Write worlds/, models/ and config/bridge.yaml anew from the circuits
	@rm -rf worlds models; \
	$(RUN) -c 'from pathlib import Path; from f1_rl.gazebo.library import write_library; write_library(Path())'; \
	du -sh worlds models

.PHONY: setup
setup: $(VENV)/.kernels ## Make the virtual environment, install the pins and the package
	@$(if $(filter setup,$(MAKECMDGOALS)),echo "$(VENV) is ready: Python $(VERSION).",:)

.PHONY: pins
pins: $(VENV)/.pins ## Make the virtual environment and install the pins alone (docker/Dockerfile)

# The file holds the interpreter's version, so that later calls need not ask.
$(VENV)/.created:
	@if ! "$(PYTHON)" -c '$(SUPPORTED)' 2>/dev/null; then \
		echo "$(or $(PYTHON),python3) is no Python 3.10, 3.11 or 3.12: install one and call" \
			"make again with PYTHON=python3.12 (or its path)." >&2; exit 1; fi
	@rm -rf $(VENV); \
	if ! "$(PYTHON)" -m venv $(VENV_OPTIONS) $(VENV) >$(VENV).log 2>&1; then \
		cat $(VENV).log >&2; rm -rf $(VENV) $(VENV).log; \
		echo "$(PYTHON) cannot make a virtual environment: install python$(VERSION)-venv" \
			"(on Debian and Ubuntu) and call make again." >&2; exit 1; fi; \
	rm $(VENV).log; echo "$(VERSION)" >$@; \
	echo "Made $(VENV) with Python $(VERSION) ($$SECONDS s)."

# Without isolation, because gym is a source distribution and an isolated build would fetch
# unpinned tools. Without dependencies, because the pins are complete and override some of
# TF-Agents' own (see requirements/overrides.in).
$(VENV)/.pins: requirements/build.txt $(PINS) | $(VENV)/.created
	@echo "Installing $$(grep -c == $(PINS)) pinned packages (0.9 GB to download, 3 GB on disk) ..."; \
	$(call INSTALLER,$(RUN)); \
	install --no-deps --require-hashes -r requirements/build.txt; \
	install --no-deps --require-hashes --no-build-isolation -r $(PINS); \
	touch $@; echo "Installed them ($$SECONDS s)."

$(VENV)/.package: setup.py setup.cfg f1_rl/__init__.py $(VENV)/.pins
	@$(RUN) -m pip install --quiet --no-deps --no-build-isolation --editable .; \
	touch $@; echo "Installed f1_rl, editable ($$SECONDS s)."

$(VENV)/.kernels: $(KERNELS) $(VENV)/.package
	@$(RUN) -c 'from f1_rl.simulation import warm_up; warm_up()'; \
	touch $@; echo "Compiled the simulator's kernels ($$SECONDS s)."

.PHONY: lock
lock: ## Resolve requirements/*.in and setup.py anew into the hashed pins (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv." >&2; exit 1; }
	@export UV_CUSTOM_COMPILE_COMMAND="make lock"; \
	compile() { uv pip compile --quiet --no-config --upgrade --generate-hashes \
		--annotation-style line --python-platform x86_64-manylinux_2_28 "$$@"; }; \
	compile --python-version 3.10 --output-file requirements/build.txt requirements/build.in; \
	for version in $(LOCKED_PYTHONS); do \
		pins="requirements/py$${version/./}.txt"; \
		compile --python-version "$$version" --output-file "$$pins" \
			--extra train --extra report --extra drive --extra bags \
			--extra window --extra games --extra test --extra dev \
			--constraint requirements/constraints.in --constraint requirements/build.txt \
			--override requirements/overrides.in setup.py; \
		ros_pins="requirements/ros-py$${version/./}.txt"; \
		compile --python-version "$$version" --output-file "$$ros_pins" \
			--extra train --extra report --extra drive --extra bags \
			--extra test --extra ros \
			--constraint requirements/constraints.in --constraint requirements/build.txt \
			--constraint "$$pins" --override requirements/overrides.in setup.py; \
		compile --python-version "$$version" --output-file "requirements/peers-py$${version/./}.txt" \
			--extra peers --constraint requirements/peers-constraints.in \
			--constraint requirements/build.txt \
			--override requirements/peers-overrides.in setup.py requirements/peers.in; \
		echo "$$pins, $$ros_pins: $$(grep -c == "$$pins"), $$(grep -c == "$$ros_pins") packages"; \
	done; \
	compile --python-version 3.12 --output-file requirements/gpu-py312.txt \
		--constraint requirements/py312.txt requirements/gpu.in

.PHONY: clean
clean: ## Remove the virtual environments, caches and build outputs (runs/ stays)
	@rm -rf .venv .venv-* build dist install log *.egg-info \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
