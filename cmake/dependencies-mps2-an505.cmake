# Third-party libraries for the emulated Cortex-M33: Debian's source packages, fetched once into
# OTTER_DEPS and built here, only the files that are used. Each becomes dep_NAME, as on the host.
set(OTTER_DEPS ${otter_SOURCE_DIR}/build/deps CACHE PATH "fetched source packages")
set(port_folder ${otter_SOURCE_DIR}/ports/${OTTER_PORT})

set(packages mbedtls lwip bearssl)
if(OTTER_SIGNATURE STREQUAL ed25519)
    list(APPEND packages libsodium)
endif()
execute_process(COMMAND ${otter_SOURCE_DIR}/cmake/fetch-sources.sh ${OTTER_DEPS} ${packages}
                RESULT_VARIABLE fetch_result)
if(NOT fetch_result EQUAL 0)
    message(FATAL_ERROR "the source packages are not complete; the lines above say why")
endif()

# otter_target_dependency(NAME ROOT folder INCLUDES folder... SOURCES glob...): paths below ROOT.
# Third-party headers are system headers, third-party warnings are off.
function(otter_target_dependency name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "ROOT" "INCLUDES;SOURCES")
    set(sources)
    foreach(pattern IN LISTS arg_SOURCES)
        file(GLOB found ${arg_ROOT}/${pattern})
        if(NOT found)
            message(FATAL_ERROR "${arg_ROOT} has no ${pattern}; remove the folder and configure again")
        endif()
        list(APPEND sources ${found})
    endforeach()
    add_library(dep_${name} STATIC ${sources})
    list(TRANSFORM arg_INCLUDES PREPEND ${arg_ROOT}/)
    target_include_directories(dep_${name} SYSTEM PUBLIC ${arg_INCLUDES})
    target_compile_options(dep_${name} PRIVATE -w)
endfunction()

set(mbedtls_modules
    aes asn1parse asn1write bignum cipher cipher_wrap constant_time ctr_drbg ecdh ecdsa ecp ecp_curves
    gcm hmac_drbg md memory_buffer_alloc oid pk pk_wrap pkparse pkwrite platform platform_util
    rsa rsa_internal sha256 sha512 ssl_ciphersuites ssl_cli ssl_msg ssl_tls x509 x509_create x509_crt
    x509write_crt)
list(TRANSFORM mbedtls_modules REPLACE "(.+)" "library/\\1.c")
otter_target_dependency(mbedtls ROOT ${OTTER_DEPS}/mbedtls INCLUDES include
                        SOURCES ${mbedtls_modules})
target_sources(dep_mbedtls PRIVATE ${port_folder}/mbedtls/aes_encrypts_only.c)
target_include_directories(dep_mbedtls PUBLIC ${port_folder}/mbedtls)
target_compile_definitions(dep_mbedtls PUBLIC "MBEDTLS_CONFIG_FILE=\"otter_mbedtls_config.h\"")

otter_target_dependency(lwip ROOT ${OTTER_DEPS}/lwip/src INCLUDES include
                        SOURCES core/*.c core/ipv4/*.c netif/ethernet.c)
target_include_directories(dep_lwip PUBLIC ${port_folder}/lwip)

otter_target_dependency(bearssl ROOT ${OTTER_DEPS}/bearssl INCLUDES inc
                        SOURCES src/settings.c src/codec/ccopy.c src/codec/dec*.c src/codec/enc*.c
                                src/ec/ec*.c src/hash/sha2small.c src/int/i15*.c src/int/i31*.c
                                src/int/i32_div32.c src/rsa/rsa_i15_pub.c)
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
