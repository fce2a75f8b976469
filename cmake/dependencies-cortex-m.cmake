# Third-party libraries for the Cortex-M boards: Debian's source packages, fetched once into
# OTTER_DEPS and built here, only the files that are used. Each becomes dep_NAME, as on the host.
set(OTTER_DEPS ${otter_SOURCE_DIR}/build/deps CACHE PATH "fetched source packages")
set(ports ${otter_SOURCE_DIR}/ports)

set(packages mbedtls lwip bearssl)
if(OTTER_SIGNATURE STREQUAL ed25519)
    list(APPEND packages libsodium)
endif()
execute_process(COMMAND ${otter_SOURCE_DIR}/cmake/fetch-sources.sh ${OTTER_DEPS} ${packages}
                RESULT_VARIABLE fetch_result)
if(NOT fetch_result EQUAL 0)
    message(FATAL_ERROR "the source packages are not complete; the lines above say why")
endif()

# otter_target_dependency(NAME ROOT folder INCLUDES folder... SOURCES file...): paths below ROOT.
# Third-party headers are system headers, third-party warnings are off.
function(otter_target_dependency name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "ROOT" "INCLUDES;SOURCES")
    foreach(file IN LISTS arg_SOURCES)
        if(NOT EXISTS ${arg_ROOT}/${file})
            message(FATAL_ERROR "${arg_ROOT} has no ${file}; remove the folder and configure again")
        endif()
    endforeach()
    list(TRANSFORM arg_SOURCES PREPEND ${arg_ROOT}/)
    add_library(dep_${name} STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
    list(TRANSFORM arg_INCLUDES PREPEND ${arg_ROOT}/)
    target_include_directories(dep_${name} SYSTEM PUBLIC ${arg_INCLUDES})
    target_compile_options(dep_${name} PRIVATE -w)
endfunction()

# otter_files(VARIABLE FOLDER STEM...): the C files FOLDER/STEM.c, added to the list VARIABLE.
function(otter_files variable folder)
    set(files ${ARGN})
    list(TRANSFORM files REPLACE "(.+)" "${folder}/\\1.c")
    set(${variable} ${${variable}} ${files} PARENT_SCOPE)
endfunction()

otter_files(mbedtls_sources library
    aes asn1parse asn1write bignum cipher cipher_wrap constant_time ctr_drbg ecdh ecdsa ecp ecp_curves
    gcm hmac_drbg md memory_buffer_alloc pk pkparse pkwrite platform platform_util
    rsa rsa_internal sha256 sha512 ssl_ciphersuites ssl_cli ssl_msg ssl_tls x509 x509_crt)
otter_target_dependency(mbedtls ROOT ${OTTER_DEPS}/mbedtls INCLUDES include
                        SOURCES ${mbedtls_sources})
otter_files(aes_sources ${OTTER_DEPS}/bearssl/src/symcipher aes_common aes_small_enc)
list(APPEND aes_sources ${ports}/cortex-m/mbedtls/aes_small.c)
set_source_files_properties(${aes_sources} PROPERTIES
    INCLUDE_DIRECTORIES "${OTTER_DEPS}/bearssl/inc;${OTTER_DEPS}/bearssl/src")
target_sources(dep_mbedtls PRIVATE ${aes_sources} ${ports}/cortex-m/mbedtls/pk_small.c
               ${ports}/cortex-m/mbedtls/oid_small.c)
set_source_files_properties(${OTTER_DEPS}/mbedtls/library/pkparse.c PROPERTIES
    COMPILE_OPTIONS "-include;${ports}/cortex-m/mbedtls/rsa_public_only.h")
set_source_files_properties(${OTTER_DEPS}/mbedtls/library/ssl_tls.c PROPERTIES
    COMPILE_OPTIONS "-include;${ports}/cortex-m/mbedtls/sha384_is_short.h")
target_include_directories(dep_mbedtls PUBLIC ${ports}/cortex-m/mbedtls)
if(NOT DEFINED BOARD_TLS_384 OR BOARD_TLS_384)
    target_compile_definitions(dep_mbedtls PUBLIC OTTER_TLS_384)
endif()
target_compile_definitions(dep_mbedtls PUBLIC "MBEDTLS_CONFIG_FILE=\"otter_mbedtls_config.h\"")

otter_files(lwip_sources core
    altcp altcp_alloc altcp_tcp def dns inet_chksum init ip mem memp netif pbuf raw stats sys tcp
    tcp_in tcp_out timeouts udp)
otter_files(lwip_sources core/ipv4
    autoip dhcp etharp icmp igmp ip4 ip4_addr ip4_frag)
list(APPEND lwip_sources netif/ethernet.c)
otter_target_dependency(lwip ROOT ${OTTER_DEPS}/lwip/src INCLUDES include
                        SOURCES ${lwip_sources})
target_include_directories(dep_lwip PUBLIC ${ports}/lwip)

otter_files(bearssl_sources src/codec
    ccopy dec16be dec16le dec32be dec32le dec64be dec64le enc16be enc16le enc32be enc32le enc64be
    enc64le)
otter_files(bearssl_sources src/ec
    ec_all_m15 ec_all_m31 ec_c25519_i15 ec_c25519_i31 ec_c25519_m15 ec_c25519_m31 ec_curve25519
    ec_default ec_keygen ec_p256_m15 ec_p256_m31 ec_prime_i15 ec_prime_i31 ec_pubkey ec_secp256r1
    ec_secp384r1 ec_secp521r1 ecdsa_atr ecdsa_default_sign_asn1 ecdsa_default_sign_raw
    ecdsa_default_vrfy_asn1 ecdsa_default_vrfy_raw ecdsa_i15_bits ecdsa_i15_sign_asn1
    ecdsa_i15_sign_raw ecdsa_i15_vrfy_asn1 ecdsa_i15_vrfy_raw ecdsa_i31_bits ecdsa_i31_sign_asn1
    ecdsa_i31_sign_raw ecdsa_i31_vrfy_asn1 ecdsa_i31_vrfy_raw ecdsa_rta)
otter_files(bearssl_sources src/int
    i15_add i15_bitlen i15_decmod i15_decode i15_decred i15_encode i15_fmont i15_iszero i15_moddiv
    i15_modpow i15_modpow2 i15_montmul i15_mulacc i15_muladd i15_ninv15 i15_reduce i15_rshift
    i15_sub i15_tmont i31_add i31_bitlen i31_decmod i31_decode i31_decred i31_encode i31_fmont
    i31_iszero i31_moddiv i31_modpow i31_modpow2 i31_montmul i31_mulacc i31_muladd i31_ninv31
    i31_reduce i31_rshift i31_sub i31_tmont i32_div32)
list(APPEND bearssl_sources src/settings.c src/hash/sha2small.c src/mac/hmac.c src/rand/hmac_drbg.c
     src/rsa/rsa_i15_pub.c)
otter_target_dependency(bearssl ROOT ${OTTER_DEPS}/bearssl INCLUDES inc
                        SOURCES ${bearssl_sources})
target_include_directories(dep_bearssl PRIVATE ${OTTER_DEPS}/bearssl/src)

# Of libsodium what verifies Ed25519; the linker leaves out what signs.
if(OTTER_SIGNATURE STREQUAL ed25519)
    otter_target_dependency(sodium ROOT ${OTTER_DEPS}/libsodium/src/libsodium INCLUDES include
                            SOURCES crypto_sign/ed25519/ref10/open.c crypto_sign/ed25519/ref10/sign.c
                                    crypto_core/ed25519/ref10/ed25519_ref10.c
                                    crypto_hash/sha512/cp/hash_sha512_cp.c
                                    crypto_verify/sodium/verify.c sodium/utils.c)
    target_include_directories(dep_sodium PRIVATE
                               ${OTTER_DEPS}/libsodium/src/libsodium/include/sodium)
endif()

# jsmn is one header of the host's; the rest of /usr/include must stay out of a cross build.
set(jsmn_header /usr/include/jsmn.h)
if(NOT EXISTS ${jsmn_header})
    message(FATAL_ERROR "${jsmn_header} is missing; install it with: apt-get install libjsmn-dev")
endif()
configure_file(${jsmn_header} ${otter_BINARY_DIR}/jsmn/jsmn.h COPYONLY)
add_library(dep_jsmn INTERFACE)
target_include_directories(dep_jsmn SYSTEM INTERFACE ${otter_BINARY_DIR}/jsmn)
