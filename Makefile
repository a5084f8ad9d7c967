# The two commands are `make book` and `make test`; `make` alone lists the rest. Each one is
# `python run.py` with the same word, which works without make.
SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
# cpu or cuda; left out, the build with CUDA only where an NVIDIA card works.
TORCH ?=

COMMANDS := help install book test pages library quick size coverage pdf lab notebooks \
  archive release bench assignments slides graders statements fuzz trials hostile clean
.PHONY: $(COMMANDS)

$(COMMANDS):
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found; name another Python: make $@ PYTHON=python3.12" >&2; exit 1; }
	@TORCH=$(TORCH) $(PYTHON) run.py $@
