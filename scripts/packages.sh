#!/usr/bin/env bash
# Install the Debian packages that a group of targets needs: packages.sh build|test|console|bench|fuzz|cover …
# As root they are installed, and no service is left running. Otherwise what is missing is named, and
# only a missing build tool is an error: tests that want promtool say so themselves.
set -euo pipefail

# What we look for, and the package it comes in. A path is looked for as a file.
packages_of() {
    case "$1" in
        build) echo cc:gcc /usr/include/stdio.h:libc6-dev ;;
        test)
            # Debian keeps PostgreSQL's server out of the PATH; what comes with every server tells.
            echo promtool:prometheus redis-server:redis-server pg_ctlcluster:postgresql
            ;;
        # Debian's own browser: nothing is downloaded past the package manager.
        console) echo chromium:chromium ;;
        models) echo python3:python3 pip3:python3-pip ;;
        fuzz) echo c++:g++ ;;
        bench)
            echo nginx:nginx haproxy:haproxy wrk:wrk python3:python3 taskset:util-linux \
                /usr/lib/nginx/modules/ngx_http_modsecurity_module.so:libnginx-mod-http-modsecurity \
                /usr/share/modsecurity-crs/rules:modsecurity-crs
            ;;
        *)
            echo "packages.sh: no group named '$1'" >&2
            exit 2
            ;;
    esac
}

present() {
    case "$1" in
        /*) [ -e "$1" ] ;;
        *) PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null ;;
    esac
}

# While packages are installed, no service may start; whatever stood there before comes back.
POLICY=/usr/sbin/policy-rc.d
hold_services() {
    if [ -e "$POLICY" ]; then
        mv "$POLICY" "$POLICY.portcullis"
    fi
    trap release_services EXIT
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
}
release_services() {
    rm -f "$POLICY"
    if [ -e "$POLICY.portcullis" ]; then
        mv "$POLICY.portcullis" "$POLICY"
    fi
}

install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

missing=()
essential=0
for group in "$@"; do
    for pair in $(packages_of "$group"); do
        if ! present "${pair%:*}"; then
            missing+=("${pair##*:}")
            case "$group" in build | fuzz) essential=1 ;; esac
        fi
    done
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "installing: ${missing[*]}"
    log=$(mktemp)
    hold_services
    # The lists of a fresh image are empty, those of an old one name versions that are gone: then fetch them.
    if install "${missing[@]}" >"$log" 2>&1 || { apt-get update -q && install "${missing[@]}"; } >"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -n 15 "$log" >&2
    rm -f "$log"
    echo "could not install: ${missing[*]}" >&2
else
    echo "missing here: ${missing[*]}" >&2
    echo "  on Debian or Ubuntu: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
fi
exit "$essential"
