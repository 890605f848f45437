#!/bin/sh
# Make .venv from nothing: find a Python >= 3.11, install what requirements.lock names (wheels only, every hash
# checked), then Seawall itself in place. Nothing outside .venv is changed. PYTHON=... names another Python.
set -eu
cd "$(dirname "$0")/.."

usable() {
    # A pyenv shim can exist and still not run, so ask the interpreter itself.
    command -v "$1" >/dev/null 2>&1 && "$1" -c '
import sys, ssl, sqlite3, venv
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        if usable "$PYTHON"; then echo "$PYTHON"; return; fi
        echo "setup: PYTHON=$PYTHON does not run, or is not Python 3.11 to 3.14 with ssl and sqlite3." >&2
        exit 1
    fi
    for name in python3.13 python3.12 python3.11 python3 python3.14 python; do
        if usable "$name"; then echo "$name"; return; fi
    done
    echo "setup: Seawall needs Python 3.11, 3.12 or 3.13, and none was found." >&2
    echo "  Install one, or name it: make PYTHON=/path/to/python3.12 demo" >&2
    exit 1
}

make_venv() {
    if "$1" -m venv --clear .venv >.venv.log 2>&1; then rm -f .venv.log; return; fi
    # Debian ships venv without ensurepip; the system's pip can put itself into the new environment.
    if "$1" -m venv --clear --without-pip .venv && "$1" -m pip --python .venv/bin/python install -q pip; then
        rm -f .venv.log; return
    fi
    cat .venv.log >&2
    echo "setup: $1 cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv" >&2
    exit 1
}

unset PIP_USER PIP_TARGET PIP_PREFIX || true
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "setup: $("$python" --version) -> .venv"
    make_venv "$python"
fi
echo "setup: installing what requirements.lock names (about a minute)"
.venv/bin/python -m pip install -q --only-binary :all: --require-hashes -r requirements.lock </dev/null
# The build tool (hatchling) is in the lock too, so this step downloads nothing.
.venv/bin/python -m pip install -q --no-index --no-deps --no-build-isolation -e . </dev/null
touch .venv/ready
