# Every job a user has, one target each; `make` alone lists them. Each target sets up what it needs by itself.

ifdef CONDA_PREFIX
ENV := $(CONDA_PREFIX)
else
ENV := .venv
endif
BIN := $(ENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(ENV)/.autograder-ready
PINS := autograder/constraints.txt
RUN := $(BIN)/python -m autograder.cli
COURSE ?= .
AUTOGRADER := $(RUN) --course $(COURSE)
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
export TF_CPP_MIN_LOG_LEVEL := 3

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick ci check attacks bench lab submit collect grade mark release handout feedback report export formgrader reproduce validate outputs doctor

help:  ## list the targets
	@echo "make TARGET [COURSE=folder] [ASSIGNMENT=name] [ARGS='more options']"
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 14

demo: $(READY)  ## grade a sample class end to end and show the marks
	$(BIN)/python -m autograder.rnn.demo --course $(COURSE) $(ARGS)

test: $(if $(CI),ci,tests)  ## run all checks, all notebooks and all tests; says which it had to skip

ci: system  ## the same, after installing Chromium, bubblewrap and PostgreSQL (Debian, Ubuntu)
	$(MAKE) tests

.PHONY: system tests
system:
	@command -v chromium chromium-browser google-chrome >/dev/null && command -v bwrap >/dev/null && \
		ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
		{ $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq chromium bubblewrap libseccomp2 postgresql; }

tests: $(READY)
	$(MAKE) -j 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) check validate
	$(BIN)/python -m pytest -n 2 -rs $(ARGS)

quick: $(READY)  ## run the tests that start no kernel, server, browser, nbgrader or TensorFlow
	$(BIN)/python -m pytest -n 2 -m "not (kernel or browser or server or process or tensorflow)" $(ARGS)

check: $(READY)  ## lint, types, and whether notebooks/ is what solutions/ gives
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(AUTOGRADER) release --check

attacks: $(READY)  ## try every attack on plain nbgrader and on this grader, side by side
	$(BIN)/python -m autograder.tests.attacks $(ARGS)

bench: $(READY)  ## measure plain nbgrader and this grader side by side (most of an hour; ARGS=--quick: a minute)
	$(BIN)/python -m autograder.bench --readme README.md $(ARGS)

lab: $(READY)  ## open your own copy of the notebooks in JupyterLab
	$(AUTOGRADER) lab

submit: $(READY)  ## pack your notebooks into one zip to hand in, and say what is open
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
why: mark  # an older name

feedback: $(READY)  ## write each student's feedback pages
	$(AUTOGRADER) feedback $(ASSIGNMENT)

report: $(READY)  ## write report.html: what the class knows, and who needs a look
	$(AUTOGRADER) report $(ASSIGNMENT)

export: $(READY)  ## write the marks to grades.csv (ARGS='--format canvas --roster FILE')
	$(AUTOGRADER) export $(ASSIGNMENT) $(ARGS)

formgrader: $(READY)  ## read written answers in nbgrader's formgrader
	$(AUTOGRADER) formgrader

reproduce: $(READY)  ## run each submission again and compare its stored outputs
	$(AUTOGRADER) reproduce $(ASSIGNMENT)

validate: $(READY)  ## run all notebooks; marked cells must print what is stored
	$(AUTOGRADER) validate $(ASSIGNMENT)

outputs: $(READY)  ## store the outputs of the marked cells in solutions/ anew
	$(AUTOGRADER) outputs $(ASSIGNMENT)

doctor: $(READY)  ## say what is installed, what is missing and what to do
	$(AUTOGRADER) doctor

setup: $(READY)  ## make the environment: .venv, or the active conda environment

# A Python that the pins are made for: python3 where it is one, else the newest that is there.
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c "$(FITS)" 2>/dev/null && echo $$p && break; done)

$(READY): pyproject.toml $(PINS)
	@test -n "$(CONDA_PREFIX)" || test -n "$(PYTHON)" || \
		{ echo "No Python 3.11, 3.12 or 3.13 here: install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "setting up $(ENV) (once; takes a minute or two)"
	@test -n "$(CONDA_PREFIX)" || $(PYTHON) -m venv $(ENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(PINS) --editable ".[learn,test,cluster,postgresql]"
	@$(BIN)/python -m jupyter kernelspec install --sys-prefix autograder/kernels/share/kernels/autograder 2>/dev/null
	@touch $@
