# The two commands are `make book` and `make test`; `make` alone lists the rest.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

PYTHON ?= python3
# TORCH=cpu takes PyTorch's CPU build: 200 MB in place of several gigabytes on Linux.
TORCH ?= default
BIN := .venv/bin
# No progress bars in stored outputs and logs; a live notebook shows them. One thread a process:
# the pages' tensors are small, and two processes run side by side in the tests.
QUIET := TQDM_DISABLE=1 OMP_NUM_THREADS=1 PYDEVD_DISABLE_FILE_VALIDATION=1

# The exact core, read from top to bottom, and what tests it.
CORE := $(wildcard convac_lib/[a-z]*.py)
CORE_TESTS := $(CORE:convac_lib/%.py=tests/test_%.py) tests/test_arrays.py

.PHONY: help book test quick size coverage pdf lab notebooks bench assignments slides graders statements fuzz trials hostile clean python

help:  ## show this list
	@echo "Convolutional circuits as quantum states: make TARGET [PYTHON=python3.12] [TORCH=cpu]"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found; name another Python: make book PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) tools/check_python.py $(TORCH)

.venv/installed: pyproject.toml constraints.txt | python
	@if ! $(PYTHON) -m venv .venv; then \
	  echo "This Python cannot make a virtual environment. On Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; fi
	@if [ "$(TORCH)" = cpu ]; then \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	    --index-url https://download.pytorch.org/whl/cpu "$$(grep -E '^torch==' constraints.txt)" \
	    || { echo "PyTorch's CPU build could not be fetched from download.pytorch.org: is there a network?" >&2; exit 1; }; fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[book,test,course,cluster]' \
	  || { echo "The packages could not be installed. If there is no network, connect once and run the same command again." >&2; exit 1; }
	@touch $@

book/_assets/vendor/fingerprint.txt: .venv/installed tools/frontend.py tools/frontend/package-lock.json
	@$(BIN)/python tools/frontend.py
	@touch $@

book: .venv/installed book/_assets/vendor/fingerprint.txt  ## build the book into _build/html
	@$(QUIET) $(BIN)/python tools/build_book.py

quick: .venv/installed  ## lint, format, types, doctests and the core's tests, in a minute
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(QUIET) $(BIN)/python -m pytest -q -n 2 -m "not slow" --doctest-modules convac_lib $(CORE_TESTS)

fuzz: .venv/installed  ## give every public function all the wrong arguments there are, and count
	@$(QUIET) CONVAC_FUZZ=1 $(BIN)/python -m pytest -q -s tests/test_fuzz.py

trials: .venv/installed  ## flip bits of checkpoints and kill runs a hundred times, and count
	@$(QUIET) $(BIN)/python tools/trials.py

size: .venv/installed  ## count the library's lines, and hold what is promised of them
	@$(BIN)/python tools/size.py

coverage: .venv/installed  ## print the lines of convac_lib that no test reaches
	@$(QUIET) $(BIN)/python -m pytest -q -n 2 --doctest-modules -m "not browser" \
	  --cov --cov-report= convac_lib tests
	@$(BIN)/coverage report

test: book  ## run every test, the notebooks and the built pages included
	@$(QUIET) $(BIN)/python -m pytest -q -n 2 --dist loadscope --doctest-modules \
	  --nbval --nbval-current-env --nbval-cell-timeout=300 --nbval-sanitize-with tests/nbval.cfg \
	  convac_lib convac_book convac_course tests book

pdf: book  ## print the book to _build/convac-book.pdf
	@$(BIN)/python tools/make_pdf.py

lab: .venv/installed  ## open the chapters in JupyterLab
	@$(BIN)/jupyter lab book

notebooks: .venv/installed  ## run the chapters and store their outputs in place
	@$(QUIET) $(BIN)/python tools/notebooks.py

bench: .venv/installed  ## print the benchmarks' ratios against their peers
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

assignments: .venv/installed  ## make the students' notebooks in assignments/
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[course]'
	@$(BIN)/convac-course build all --to assignments

slides: book  ## make the slides of the lectures in _build/slides
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[course]'
	@$(QUIET) $(BIN)/python -m sphinx -W -q -b revealjs book/slides _build/slides
	@echo "Open _build/slides/index.html in a browser."

graders: .venv/installed  ## try every grader on right, blank and wrong answers, in full
	@$(BIN)/convac-course prove
	@CONVAC_FULL=1 $(BIN)/python -m pytest -q -k "nbgrader or whole or followed" \
	  tests/test_course_build.py tests/test_course_whole.py tests/test_course_teaching.py
	@CONVAC_FULL=1 $(BIN)/python -m pytest -q -s tests/test_course_agreement.py

statements: .venv/installed  ## try every boxed claim inside its hypotheses and outside, with counts
	@$(QUIET) $(BIN)/python -m pytest -q tests/statements

hostile: .venv/installed  ## send a hundred thousand hostile replies to the grader
	@$(QUIET) $(BIN)/python tests/fuzz_replies.py

clean:  ## remove what was built; keeps .venv and the fetched front-end parts
	rm -rf _build assignments .pytest_cache .ruff_cache .mypy_cache .hypothesis .coverage*
