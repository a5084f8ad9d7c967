#!/usr/bin/env bash
# Resolve every extra for every supported Python anew and write constraints.txt. Needs uv.
# The versions are then what `make book && make test` should be run with before a commit.
#
#   tools/lock.sh            write constraints.txt
#   tools/lock.sh check      resolve it, from wheels alone, for every Python on every system
set -euo pipefail
cd "$(dirname "$0")/.."

pythons=(3.11 3.12 3.13 3.14)
systems=(x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu aarch64-apple-darwin x86_64-pc-windows-msvc)
export MACOSX_DEPLOYMENT_TARGET=14.0  # the oldest macOS that PyTorch has wheels for
extras=(--extra book --extra test --extra course --extra cluster)

if [ "${1:-}" = check ]; then
  for system in "${systems[@]}"; do
    for python in "${pythons[@]}"; do
      # Nothing is built from sources: each version has a wheel for this Python and system. The
      # benchmarks' peers, which only `make bench` installs, may lag behind.
      count=$(uv pip compile --quiet --python-version "$python" --python-platform "$system" \
        --only-binary :all: "${extras[@]}" --constraint constraints.txt --no-annotate --no-header \
        pyproject.toml | grep -c ==)
      echo "Python $python on $system: $count packages, all of them wheels"
    done
  done
  exit
fi

torch=$(grep -E '^torch==' constraints.txt || true)
# A new torch is a decision of its own: keep the present pin unless TORCH names another.
printf '%s\n' "${TORCH:-$torch}" > constraints.txt.tmp
{
  echo "# The tested versions: every package of every extra, for Python 3.11 to 3.14."
  echo "# Made by tools/lock.sh; pip reads it with -c, so it limits versions and installs nothing."
  # CUDA's own packages follow from torch's build; pinning them would bar the CPU build's users.
  uv pip compile --quiet --universal --python-version "${pythons[0]}" --all-extras \
    --constraint constraints.txt.tmp --no-annotate --no-header pyproject.toml |
    grep -vE '^(nvidia|cuda|triton)'
} > constraints.txt.new
rm constraints.txt.tmp
mv constraints.txt.new constraints.txt
