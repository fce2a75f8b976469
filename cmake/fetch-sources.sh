#!/bin/sh
# Fetches the source packages that the target is built from into a folder, one folder a package:
#
#   fetch-sources.sh FOLDER PACKAGE...
#
# `apt-get source` does the work, with lists, state and cache of its own below FOLDER: it uses the
# machine's archives and keys, changes nothing outside of FOLDER, and needs no root. A package that
# is there already is left alone, without asking the network.
set -eu

usage() {
    echo "usage: $0 FOLDER PACKAGE..." >&2
    exit 2
}

fail() {
    echo "fetch-sources: $*" >&2
    exit 1
}

[ $# -ge 2 ] || usage
mkdir -p "$1"
folder=$(cd "$1" && pwd)
shift
apt="$folder/.apt"

need() {
    command -v "$1" >/dev/null 2>&1 ||
        fail "'$1' is missing; install it with: apt-get install $2"
}

# Our source list: the machine's own archives of this release with `deb` turned into `deb-src`.
# Third-party archives are left out by their suite: nothing we need comes from them.
codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")

one_line_sources() {
    [ $# -gt 0 ] || return 0
    awk -v code="$codename" '
        function ours(suite) { return suite == code || index(suite, code "-") == 1 }
        $1 == "deb" || $1 == "deb-src" {
            sub(/#.*/, "")
            uri = ($2 ~ /^\[/) ? 0 : 2
            for (i = 2; !uri && i <= NF; i++) if ($i ~ /\]$/) uri = i + 1
            if (ours($(uri + 1))) { sub(/^[ \t]*deb(-src)?/, "deb-src"); print }
        }' "$@"
}

# deb822 stanzas: fields may span lines, Suites may name several, `Enabled: no` switches one off.
deb822_sources() {
    [ $# -gt 0 ] || return 0
    for file in "$@"; do
        awk -v code="$codename" '
            function ours(suite) { return suite == code || index(suite, code "-") == 1 }
            function flush_stanza(   i, n, list, suites) {
                n = split(field["suites"], list, /[ \t\n]+/)
                for (i = 1; i <= n; i++) if (ours(list[i])) suites = suites " " list[i]
                if (suites != "" && field["types"] ~ /deb/ && field["enabled"] !~ /no|false|off|0/) {
                    print "Types: deb-src\nURIs:" field["uris"] "\nSuites:" suites
                    print "Components:" field["components"]
                    if (field["signed-by"] != "") print "Signed-By:" field["signed-by"]
                    print ""
                }
                split("", field)
            }
            /^#/ { next }
            /^[ \t]*$/ { flush_stanza(); next }
            /^[ \t]/ { field[name] = field[name] "\n" $0; next }
            { name = tolower($0); sub(/:.*/, "", name)
              value = $0; sub(/^[^:]*:/, "", value); field[name] = value }
            END { flush_stanza() }' "$file"
    done
}

write_sources() {
    mkdir -p "$apt/sources" "$apt/lists/partial" "$apt/archives/partial"
    set --
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        if [ -f "$file" ]; then set -- "$@" "$file"; fi
    done
    one_line_sources "$@" | sort -u >"$apt/sources/archive.list"
    set --
    for file in /etc/apt/sources.list.d/*.sources; do
        if [ -f "$file" ]; then set -- "$@" "$file"; fi
    done
    deb822_sources "$@" >"$apt/sources/archive.sources"
    [ -s "$apt/sources/archive.list" ] || [ -s "$apt/sources/archive.sources" ] ||
        fail "no archive of release '$codename' in /etc/apt/sources.list or sources.list.d"
}

own_apt() {
    apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$apt/sources" \
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt" \
        -o Dir::Cache::Archives="$apt/archives" -o APT::Sandbox::User="$(id -un)" \
        -o Acquire::Languages=none -o Acquire::http::Timeout=30 -o Acquire::Retries=2 "$@"
}

update_lists() {
    echo "fetch-sources: reading the source package lists"
    own_apt update >"$apt/update.log" 2>&1 && ! grep -q '^E:' "$apt/update.log" ||
        fail "can't read the package lists; see $apt/update.log: $(grep -m1 '^[EW]:' "$apt/update.log")"
    ls "$apt/lists" | grep -q Sources ||
        fail "no source package list could be had (no network?): $(grep -m1 '^[EW]:' "$apt/update.log")"
}

# Unpacks next to its final place and moves it there last, so that a cut leaves nothing half done.
fetch() {
    name=$1
    work="$apt/$name"
    rm -rf "$work"
    mkdir -p "$work"
    echo "fetch-sources: fetching the source of $name"
    (cd "$work" && own_apt source --only-source "$name") >"$apt/$name.log" 2>&1 ||
        fail "can't fetch the source of $name; see $apt/$name.log: $(grep -m1 '^E:' "$apt/$name.log")"
    tree=$(find "$work" -mindepth 1 -maxdepth 1 -type d)
    [ -n "$tree" ] || fail "the source of $name came without a folder; see $apt/$name.log"
    rm -rf "${folder:?}/$name"
    mv "$tree" "$folder/$name"
    rm -rf "$work"
}

# Two build folders may be configured at once; they share FOLDER.
if command -v flock >/dev/null 2>&1; then
    exec 9>"$folder/.lock"
    flock 9
fi

ready=
for name in "$@"; do
    [ ! -d "$folder/$name" ] || continue
    if [ -z "$ready" ]; then
        need apt-get apt
        need dpkg-source dpkg-dev
        need patch patch
        need xz xz-utils
        write_sources
        update_lists
        ready=yes
    fi
    fetch "$name"
done
