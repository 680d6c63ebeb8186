#!/usr/bin/env bash
# The fast part of the tests on each Python of PYTHONS that this machine can run, each in an environment of its own.
# TORCH=locked takes the versions of requirements.lock, TORCH=lowest the oldest torch that pyproject.toml allows.
# What it needs of occreid is the wheel without extras, so it also shows that these tests need no extra.
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON="${PYTHON:-python3}"
out="${TEST_PYTHONS_DIR:-.test-pythons}"
fast=(tests/losses tests/nn tests/retrieval tests/models tests/extraction tests/evaluation
  tests/test_descriptors.py tests/test_distances.py tests/test_errors.py tests/test_files.py tests/test_package.py
  tests/test_records.py tests/test_tiles.py tests/test_timestamps.py tests/test_yaml_files.py)
case "${TORCH:-locked}" in
  locked) with=(--constraint requirements.lock) ;;
  lowest) with=(torch==2.9.* torchvision==0.24.*) ;;
  *) echo "TORCH=$TORCH: locked or lowest" >&2; exit 2 ;;
esac

find_python() {  # a command of that version on the PATH, or what uv or pyenv know of
  local there
  for there in "python$1" "$(uv python find --no-python-downloads "$1" 2>/dev/null || true)" \
    "$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1."*/bin/python 2>/dev/null | tail -1)"; do
    if [ -n "$there" ] && "$there" -c 'import venv' 2>/dev/null; then command -v "$there"; return; fi
  done
}

install_into() {  # ENVIRONMENT WHAT…
  local environment=$1; shift
  if command -v uv >/dev/null; then uv pip install --quiet --python "$environment/bin/python" "$@"
  else "$environment/bin/python" -m pip install --quiet "$@"; fi
}

ran=0 failed=()
for version in ${PYTHONS:-3.11 3.12 3.13}; do
  python=$(find_python "$version")
  if [ -z "$python" ]; then echo "Python $version: not on this machine, left out"; continue; fi
  environment="$out/$version-${TORCH:-locked}"
  [ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
  install_into "$environment" "${with[@]}" . pytest hypothesis pytest-xdist
  echo "Python $("$environment/bin/python" -c 'import platform, torch; print(platform.python_version(), "torch", torch.__version__)')"
  "$environment/bin/python" -m pytest -q -n "${WORKERS:-2}" --dist loadfile "${fast[@]}" || failed+=("$version")
  ran=$((ran + 1))
done
[ "$ran" -gt 0 ] || { echo "none of these Pythons is here: ${PYTHONS:-}" >&2; exit 1; }
[ ${#failed[@]} -eq 0 ] || { echo "failed on Python ${failed[*]}" >&2; exit 1; }
