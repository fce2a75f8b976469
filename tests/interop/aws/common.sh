# What the tests of this folder share. Sourced with: debian|path API_SERVER
#
# aws ARGS...              the CLI under test, aimed at a server of this test's own
# expect WHAT WANT HAVE    fails the test when they differ
# refused NAME ARGS...     the CLI must fail with AWS's error NAME
set -eu

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

case $1 in
debian) program=/usr/bin/aws ;;
path) program=$(command -v aws || true) ;;
esac
if [ ! -x "$program" ] || { [ "$1" = path ] && [ "$program" = /usr/bin/aws ]; }; then
    echo "skipped: no AWS CLI of the kind '$1' on this machine"
    exit 77
fi

work=$(mktemp -d)
server=
finish() {
    code=$?
    trap - EXIT
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || { echo "the server ended badly:" >&2; cat "$work/server.log" >&2; code=1; }
    fi
    rm -rf "$work"
    exit $code
}
trap finish EXIT

start_server() {
    rm -f "$work/cloud.json"
    "$api_server" "$work" >"$work/server.log" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        [ -e "$work/cloud.json" ] && return
        sleep 0.1
    done
    cat "$work/server.log" >&2
    fail "the server did not start"
}


fact() {
    sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" "$work/cloud.json"
}

api_server=$2
start_server
url=$(fact api_url)
AWS_ACCESS_KEY_ID=$(fact access_key_id)
AWS_SECRET_ACCESS_KEY=$(fact secret_access_key)
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
export AWS_DEFAULT_REGION=us-east-1 AWS_PAGER= AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_MAX_ATTEMPTS=1
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL 2>/dev/null || true
[ "$1" = debian ] || export AWS_ENDPOINT_URL="$url"

aws() {
    if [ -n "${AWS_ENDPOINT_URL:-}" ]; then
        "$program" "$@"
    else
        "$program" --endpoint-url "$url" "$@"
    fi
}

ask() { # one value of the answer: ask QUERY ARGS...
    query=$1
    shift
    aws "$@" --output text --query "$query"
}

expect() {
    [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

refused() {
    name=$1
    shift
    if output=$(aws "$@" 2>&1); then
        fail "$*: accepted, wanted $name: $output"
    fi
    case $output in
    *"($name)"*) ;;
    *) fail "$*: wanted $name, got: $output" ;;
    esac
}

make_certificate() { # make_certificate NAME SUBJECT: NAME.key, NAME.pem, P-256
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$2" \
        -addext keyUsage=critical,digitalSignature -addext extendedKeyUsage=codeSigning \
        -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
}
