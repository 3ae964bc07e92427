# One target for each task; `make` alone lists them. Each target sets up the environment if needed.

ifdef CONDA_PREFIX
ENV := $(CONDA_PREFIX)
else
ENV := .venv
endif
BIN := $(ENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(ENV)/.autograder-ready
LEARN := $(ENV)/.autograder-learn
# What students need; where everything is installed, they have it.
STUDENT := $(if $(wildcard $(READY)),$(READY),$(LEARN))
PINS := autograder/constraints.txt
# Processes that test: on two cores, more of them use the time that two spend waiting.
WORKERS ?= 4
RUN := $(BIN)/python -m autograder.cli
COURSE ?= .
AUTOGRADER := $(RUN) --course $(COURSE)
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
export TF_CPP_MIN_LOG_LEVEL := 3

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick ci check attacks bench docs lite lab submit collect grade mark release handout feedback report export formgrader reproduce validate outputs doctor

help:  ## list the targets
	@echo "make TARGET [COURSE=folder] [ASSIGNMENT=name] [ARGS='more options']"
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 14

demo: $(READY)  ## grade a sample class end to end and show the marks
	$(BIN)/python -m autograder.rnn.demo --course $(COURSE) $(ARGS)

test: $(if $(CI),ci,tests)  ## run all checks, notebooks and tests; lists skipped tests

ci: system  ## install Chromium, bubblewrap and PostgreSQL (Debian, Ubuntu), fetch Pyodide, then run all checks, notebooks and tests
	-$(MAKE) pyodide
	$(MAKE) tests

.PHONY: system pyodide tests
system:
	@command -v chromium chromium-browser google-chrome >/dev/null && command -v bwrap >/dev/null && \
		ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
		{ $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq chromium bubblewrap libseccomp2 postgresql; }

pyodide: $(READY)  ## fetch Pyodide, which tests of the browser edition need
	$(BIN)/python -m autograder.tests.harness.pyodide

tests: $(READY)
	$(MAKE) -j 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) check validate
	$(BIN)/python -m pytest -n $(WORKERS) -rs $(ARGS)

quick: $(READY)  ## run only the tests without kernels, servers, browsers, nbgrader or TensorFlow
	$(BIN)/python -m pytest -n 2 -m "not (kernel or browser or server or process or tensorflow)" $(ARGS)

check: $(READY)  ## run the linters and the type checker, and check that notebooks/ is up to date
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(AUTOGRADER) release --check

attacks: $(READY)  ## run every attack against plain nbgrader and this grader, and compare
	$(BIN)/python -m autograder.tests.attacks $(ARGS)

bench: $(READY)  ## compare the speed of plain nbgrader and this grader (over an hour; ARGS=--quick: minutes)
	$(BIN)/python -m autograder.bench --page autograder/docs/pages/performance.md $(ARGS)

docs: $(READY)  ## build the documentation, build/site/index.html
	$(BIN)/python -m autograder.docs $(ARGS)

lite: $(READY)  ## build the course as a site that runs in a browser tab, build/lite/
	$(BIN)/python -m autograder.lite $(ARGS)

lab: $(STUDENT)  ## open your own copy of the notebooks in JupyterLab
	$(AUTOGRADER) lab

submit: $(STUDENT)  ## pack your notebooks into one zip to hand in, and list unanswered cells
	$(AUTOGRADER) submit $(ASSIGNMENT) $(ARGS)

collect: $(READY)  ## put a class's zips into submitted/: make collect ARGS="class.zip"
	$(AUTOGRADER) collect $(ARGS)

grade: $(READY)  ## grade everything in submitted/
	$(AUTOGRADER) grade $(ASSIGNMENT) $(ARGS)

release: $(READY)  ## make notebooks/ from solutions/
	$(AUTOGRADER) release $(ASSIGNMENT)

handout: $(READY)  ## pack the released notebooks into a zip for students
	$(AUTOGRADER) handout

mark: $(READY)  ## show written answers in groups, or mark a group (ARGS='--mark GROUP 1')
	$(AUTOGRADER) mark $(ASSIGNMENT) $(ARGS)

.PHONY: why
why: mark  # an older name of the target

feedback: $(READY)  ## write each student's feedback pages
	$(AUTOGRADER) feedback $(ASSIGNMENT)

report: $(READY)  ## write a report on the class, report.html
	$(AUTOGRADER) report $(ASSIGNMENT)

export: $(READY)  ## write the marks to grades.csv (ARGS='--format canvas --roster FILE')
	$(AUTOGRADER) export $(ASSIGNMENT) $(ARGS)

formgrader: $(READY)  ## open nbgrader's formgrader, to read and mark submissions
	$(AUTOGRADER) formgrader

reproduce: $(READY)  ## run each submission again and compare it with its stored outputs
	$(AUTOGRADER) reproduce $(ASSIGNMENT)

validate: $(READY)  ## run all notebooks and compare their outputs with the stored ones
	$(AUTOGRADER) validate $(ASSIGNMENT)

outputs: $(READY)  ## run the source notebooks and store the outputs that `make validate` compares
	$(AUTOGRADER) outputs $(ASSIGNMENT)

doctor: $(READY)  ## check the installation and report what is missing
	$(AUTOGRADER) doctor

setup: $(READY)  ## make the environment: .venv, or the active conda environment

# A Python version that the pins support: python3 if it is one of them, otherwise the newest one installed.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c "$(FITS)" 2>/dev/null && echo $$p && break; done)

$(READY): EXTRAS := learn,test,cluster,postgresql,docs,lite
$(LEARN): EXTRAS := learn
$(READY) $(LEARN): pyproject.toml $(PINS)
	@test -n "$(CONDA_PREFIX)" || test -n "$(PYTHON)" || \
		{ echo "Python 3.11, 3.12 or 3.13 was not found. Install one, or pass its path: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "setting up $(ENV) (once; takes a minute or two)"
	@test -n "$(CONDA_PREFIX)" || $(PYTHON) -m venv $(ENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(PINS) --editable ".[$(EXTRAS)]"
	@$(BIN)/python -m jupyter kernelspec install --sys-prefix autograder/kernels/share/kernels/autograder 2>/dev/null
	@touch $@
