#!/usr/bin/env bash
# Installs the programs that `make bench` compares with. For the broker: libzmq's headers as a Debian package, nats-server unpacked from its Debian
# package into target/peers, where no service of it is started, and pyzmq through scripts/peers.sh. For the server: Redis and PostgreSQL as Debian
# packages, whose services are kept from starting: the benchmark starts its own.
# Does nothing when they are there already. What cannot be installed is said and left out of the comparison, so this never fails.
set -uo pipefail
cd "$(dirname "$0")/.."

peers=${CARGO_TARGET_DIR:-target}/peers

has() {
    command -v "$1" >/dev/null 2>&1
}

without() {
    echo "bench-peers: $1; the comparison goes without it" >&2
}

compiles_with_libzmq() {
    echo '#include <zmq.h>
        int main(void) { return zmq_ctx_new() == 0; }' | cc -xc - -o /dev/null -lzmq 2>/dev/null
}

# apt-get as one who may install, without asking: root, or sudo that needs no password.
apt_get() {
    has apt-get || return 1
    local -a root=()
    if [ "$(id -u)" -ne 0 ]; then
        has sudo && sudo -n true 2>/dev/null || return 1
        root=(sudo -n)
    fi
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >&2
}

install_libzmq() {
    apt_get update || true
    apt_get install -y --no-install-recommends gcc libc6-dev libzmq3-dev && compiles_with_libzmq
}

unpack_nats_server() (
    has apt-get && has dpkg-deb || return 1
    mkdir -p "$peers/nats-server.new" && cd "$peers/nats-server.new" || return 1
    # Without rights the lists of packages stay as old as they are, which is usually new enough.
    apt-get download -qq nats-server >&2 || { apt_get update && apt-get download -qq nats-server >&2; } || return 1
    dpkg-deb --extract nats-server_*.deb . && usr/sbin/nats-server --version >/dev/null || return 1
    cd .. && rm -rf nats-server && mv nats-server.new nats-server
)

if ! compiles_with_libzmq; then
    install_libzmq \
        || without "libzmq's headers or a C compiler are missing: on Debian, as root, apt-get install gcc libc6-dev libzmq3-dev"
fi

if ! has nats-server && ! [ -x "$peers/nats-server/usr/sbin/nats-server" ]; then
    unpack_nats_server \
        || without "nats-server is missing: its Debian package could not be fetched; any nats-server on the PATH will do"
    rm -rf "$peers/nats-server.new"
fi

# A package's service is not to run beside the measurements: invoke-rc.d asks this file.
install_without_service() {
    local policy=/usr/sbin/policy-rc.d made=
    if [ "$(id -u)" -eq 0 ] && ! [ -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made=1
    fi
    apt_get install -y --no-install-recommends "$@"
    local result=$?
    [ -z "$made" ] || rm -f "$policy"
    return "$result"
}

has_postgresql() {
    compgen -G '/usr/lib/postgresql/*/bin/pgbench' >/dev/null
}

if ! has redis-server; then
    { install_without_service redis-server && has redis-server; } \
        || without "redis-server is missing: on Debian, as root, apt-get install redis-server"
fi

if ! has_postgresql; then
    { install_without_service postgresql postgresql-contrib && has_postgresql; } \
        || without "PostgreSQL is missing: on Debian, as root, apt-get install postgresql postgresql-contrib"
fi

scripts/peers.sh || without "pyzmq is missing, see above"
exit 0
