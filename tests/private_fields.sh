#!/bin/sh
# The device's code uses Mbed TLS by its functions, not by the fields of its structs: those that
# Mbed TLS 3 calls private. The 2.28 headers leave them open, so this compiles net/ and pki/ against
# a copy of the headers in which they have other names. pki_handle.c fills in a table of the library
# (struct mbedtls_pk_info_t) for a key of its own, as it says there; that struct stays as it is.
#   private_fields.sh SOURCE_FOLDER
set -eu
cd "$1"
cc=${CC:-cc}
header=$(echo '#include <mbedtls/ssl.h>' | $cc -E - 2>/dev/null | sed -n 's/^# 1 "\(.*\/mbedtls\/ssl.h\)".*/\1/p' | head -n 1)
[ -n "$header" ] || { echo 'skipped: no headers of Mbed TLS here'; exit 77; }
view=$(mktemp -d)
trap 'rm -rf "$view"' EXIT
trap 'exit 1' INT TERM HUP
mkdir "$view/mbedtls"

# Of these structs every field; of a certificate and of a curve those that Mbed TLS 3 does not
# document.
whole='mbedtls_ssl_context|mbedtls_ssl_config|mbedtls_pk_context|mbedtls_ecp_keypair|mbedtls_ecp_point|mbedtls_mpi|mbedtls_x509write_cert'
some='own_buffer|sig|ext_types|ca_istrue|max_pathlen|key_usage|ns_cert_type|sig_md|sig_pk|sig_opts'
for file in "$(dirname "$header")"/*.h; do
    sed -E "
/^(typedef )?struct ($whole) *\$/,/^}/ { s/(\*?\b)([A-Za-z_0-9]+)((\[[^]]*\])?( *: *[0-9]+)?;)/\1private_\2\3/; s/\(\*([a-z_0-9]+)\)/(*private_\1)/; }
/^(typedef )?struct ($whole) *\{/,/^}/ { s/(\*?\b)([A-Za-z_0-9]+)((\[[^]]*\])?( *: *[0-9]+)?;)/\1private_\2\3/; s/\(\*([a-z_0-9]+)\)/(*private_\1)/; }
/^typedef struct mbedtls_x509_crt \{/,/^}/ s/\b($some);/private_\1;/
/^typedef struct mbedtls_ecp_group \{/,/^}/ s/\b(h|t_data|T|T_size);/private_\1;/
/^}/ s/private_//
s/\(pk\)\.pk_ctx/(pk).private_pk_ctx/" "$file" >"$view/mbedtls/$(basename "$file")"
done

compiles() {
    $cc -std=gnu11 -fsyntax-only -I"$view" -I. "$@"
}

# The copy is of use: it takes public fields, and refuses one private field of each struct.
probe() { # probe TYPE FIELD
    printf '#include <mbedtls/ssl.h>\n#include <mbedtls/x509_crt.h>\nint probe(%s *it);\nint probe(%s *it)\n{\n    return sizeof it->%s != 0;\n}\n' "$1" "$1" "$2"
}
refused() {
    probe "$1" "private_$2" | compiles -x c - || { echo "the copy of the headers is broken at $1.$2"; exit 1; }
    ! probe "$1" "$2" | compiles -x c - 2>/dev/null || { echo "the copy leaves $1.$2 open"; exit 1; }
}
probe mbedtls_x509_crt raw | compiles -x c -
refused mbedtls_ssl_context in_msg
refused mbedtls_ssl_config f_rng
refused mbedtls_pk_context pk_ctx
refused mbedtls_ecp_keypair grp
refused mbedtls_ecp_group T
refused mbedtls_ecp_point X
refused mbedtls_mpi p
refused mbedtls_x509write_cert serial
refused mbedtls_x509_crt ext_types

status=0
for file in net/*.c pki/*.c; do # with all that a build may choose
    compiles -DOTTER_MQTT5=1 -DOTTER_KEYS_P384=1 -DOTTER_KEYS_RSA2048=1 "$file" || { echo "$file reads a private field of Mbed TLS"; status=1; }
done
exit $status
