#!/usr/bin/env bash
# Installs the programs that the interoperability tests talk to, pyzmq and zeromq.js, and Python's reader of HdrHistogram's files, into
# target/peers and nowhere else.
# Does nothing when they are there already. Needs the package registries, no terminal, and no rights beyond this folder;
# only if tmux or Python's venv module is missing on Debian is it installed, where that is permitted without asking.
set -euo pipefail
cd "$(dirname "$0")/.."

PYZMQ=27.3.0
MSGPACK_PYTHON=1.2.4
HDRHISTOGRAM_PYTHON=0.10.8
ZEROMQ_JS=6.8.0
MSGPACK_JS=3.1.3

peers=${CARGO_TARGET_DIR:-target}/peers
python=${PYTHON:-python3}

fail() {
    echo "peers: $1" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

has "$python" || fail "Python 3 is missing: on Debian, apt-get install python3 python3-venv"
has node || fail "Node is missing: on Debian, apt-get install nodejs npm"
has npm || fail "npm is missing: on Debian, apt-get install npm"

install_debian() {
    has apt-get || return 1
    local -a root=()
    if [ "$(id -u)" -ne 0 ]; then
        has sudo && sudo -n true 2>/dev/null || return 1
        root=(sudo -n)
    fi
    "${root[@]}" apt-get update -qq >&2 || true
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$1" >&2
}

mkdir -p "$peers"
if has flock; then
    exec 9>"$peers/lock"
    flock 9
fi

has tmux || install_debian tmux || fail "tmux is missing: on Debian, apt-get install tmux"

wanted="pyzmq $PYZMQ, msgpack $MSGPACK_PYTHON, hdrhistogram $HDRHISTOGRAM_PYTHON, $("$python" --version 2>&1); \
zeromq $ZEROMQ_JS, @msgpack/msgpack $MSGPACK_JS, node $(node --version)"
if [ "$(cat "$peers/installed" 2>/dev/null)" = "$wanted" ] && [ -x "$peers/python/bin/python" ]; then
    exit 0
fi
rm -rf "$peers/installed" "$peers/python" "$peers/node"

make_venv() {
    "$python" -m venv "$peers/python" >"$peers/venv.log" 2>&1
}

if ! make_venv; then
    rm -rf "$peers/python"
    if ! { install_debian python3-venv && make_venv; }; then
        cat "$peers/venv.log" >&2
        fail "Python's venv module does not work: on Debian, apt-get install python3-venv"
    fi
fi
"$peers/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    "pyzmq==$PYZMQ" "msgpack==$MSGPACK_PYTHON" "hdrhistogram==$HDRHISTOGRAM_PYTHON" \
    || fail "pip could not install pyzmq, msgpack and hdrhistogram; see above"

mkdir -p "$peers/node"
echo '{"private": true}' >"$peers/node/package.json"
npm install --prefix "$peers/node" --save-exact --no-audit --no-fund --no-progress --no-update-notifier --loglevel=error \
    "zeromq@$ZEROMQ_JS" "@msgpack/msgpack@$MSGPACK_JS" >/dev/null </dev/null \
    || fail "npm could not install zeromq and @msgpack/msgpack; see above"

# What does not load here is not installed, whatever the package managers say.
"$peers/python/bin/python" -c 'import hdrh.log, msgpack, zmq' || fail "pyzmq or hdrhistogram is installed and does not load"
(cd "$peers/node" && node -e 'require("zeromq"); require("@msgpack/msgpack")') \
    || fail "zeromq.js is installed and does not load"

echo "$wanted" >"$peers/installed"
