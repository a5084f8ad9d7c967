#!/usr/bin/env bash
# Resolve every extra for every supported Python anew and write constraints.txt. Needs uv.
# The versions are then what `make book && make test` should be run with before a commit.
set -euo pipefail
cd "$(dirname "$0")/.."
torch=$(grep -E '^torch==' constraints.txt || true)
# A new torch is a decision of its own: keep the present pin unless TORCH names another.
printf '%s\n' "${TORCH:-$torch}" > constraints.txt.tmp
{
  echo "# The tested versions: every package of every extra, for Python 3.10 to 3.13."
  echo "# Made by tools/lock.sh; pip reads it with -c, so it limits versions and installs nothing."
  # CUDA's own packages follow from torch's build; pinning them would bar the CPU build's users.
  uv pip compile --quiet --universal --python-version 3.10 --all-extras \
    --constraint constraints.txt.tmp --no-annotate --no-header pyproject.toml |
    grep -vE '^(nvidia|cuda|triton)'
} > constraints.txt.new
rm constraints.txt.tmp
mv constraints.txt.new constraints.txt
