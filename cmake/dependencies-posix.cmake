# Third-party libraries on the host: Debian packages. Each becomes an interface target dep_NAME,
# so that rooms name a dependency the same way for host and target.
function(otter_host_dependency name)
    add_library(dep_${name} INTERFACE)
    target_link_libraries(dep_${name} INTERFACE ${ARGN})
endfunction()

otter_host_dependency(mbedtls mbedtls mbedx509 mbedcrypto) # libmbedtls-dev
otter_host_dependency(bearssl bearssl)                     # libbearssl-dev
otter_host_dependency(jsmn)                                # libjsmn-dev, header only
otter_host_dependency(openssl ssl crypto)                  # libssl-dev
otter_host_dependency(libevent event event_openssl)        # libevent-dev
otter_host_dependency(sqlite sqlite3)                      # libsqlite3-dev
otter_host_dependency(jansson jansson)                     # libjansson-dev
otter_host_dependency(expat expat)                         # libexpat1-dev
otter_host_dependency(lzma lzma)                           # liblzma-dev
otter_host_dependency(unicorn unicorn)                     # libunicorn-dev, twins of boards
otter_host_dependency(slirp slirp)                         # libslirp-dev, their network
otter_host_dependency(cmocka cmocka)                       # libcmocka-dev, tests only

# Only for the scheme ed25519 and its tests: libsodium-dev.
find_library(sodium_library sodium)
if(sodium_library)
    otter_host_dependency(sodium ${sodium_library})
endif()

# Keys in PKCS#11 modules, and such a module: the header of libp11-kit-dev alone.
find_path(PKCS11_HEADERS p11-kit/pkcs11.h PATH_SUFFIXES p11-kit-1)
if(PKCS11_HEADERS)
    otter_host_dependency(pkcs11)
    target_include_directories(dep_pkcs11 SYSTEM INTERFACE ${PKCS11_HEADERS})
endif()
