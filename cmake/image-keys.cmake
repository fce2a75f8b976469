# The key that the bootloaders of a build trust, and the C file that carries it.
#
# OTTER_SIGNING_KEY (cache): PEM file of a product's own key; the public half is enough to build.
# Without it a key pair for development is made once, in keys/ of the build folder.
set(OTTER_SIGNING_KEY "" CACHE FILEPATH "key whose images the bootloader accepts (PEM)")
set(OTTER_HOST_TOOL "" CACHE FILEPATH
    "the otter program of the host, for builds that do not make it; empty: that of build/host")

if(TARGET otter)
    set(otter_tool $<TARGET_FILE:otter>)
    set(otter_tool_target otter)
else()
    set(otter_tool ${OTTER_HOST_TOOL})
    set(otter_tool_target "")
    if(NOT otter_tool)
        set(otter_tool ${otter_SOURCE_DIR}/build/host/tool/otter)
    endif()
    if(NOT EXISTS ${otter_tool})
        message(FATAL_ERROR "the program ${otter_tool} is missing, which makes keys and signs: build "
                            "it with ${otter_SOURCE_DIR}/otter version, or name another one with "
                            "-DOTTER_HOST_TOOL=FILE")
    endif()
endif()

# The scheme of the keys as make-image-keys.cmake names it in C, and the room that verifies it, which
# programs link beside OTTER_IMAGE_KEYS.
if(OTTER_SIGNATURE STREQUAL ecdsa-p256)
    set(scheme image_ecdsa_p256)
    set(OTTER_IMAGE_SCHEME room_image)
elseif(OTTER_SIGNATURE STREQUAL ed25519)
    set(scheme image_ed25519)
    set(OTTER_IMAGE_SCHEME room_image_ed25519)
    if(NOT TARGET room_image_ed25519)
        message(FATAL_ERROR "OTTER_SIGNATURE=ed25519 needs libsodium; install it with: "
                            "apt-get install libsodium-dev, then configure in a new build folder")
    endif()
elseif(OTTER_SIGNATURE MATCHES "^rsa-(2048|3072)$")
    set(scheme image_rsa_${CMAKE_MATCH_1})
    set(OTTER_IMAGE_SCHEME room_image_rsa)
else()
    message(FATAL_ERROR "OTTER_SIGNATURE is '${OTTER_SIGNATURE}'; it can be ecdsa-p256, ed25519, "
                        "rsa-2048 or rsa-3072")
endif()

set(OTTER_IMAGE_KEYS ${otter_BINARY_DIR}/keys/image_keys.c)
add_custom_command(
    OUTPUT ${OTTER_IMAGE_KEYS}
    COMMAND ${CMAKE_COMMAND} -DTOOL=${otter_tool} -DKEY=${OTTER_SIGNING_KEY}
            -DTYPE=${OTTER_SIGNATURE} -DSCHEME=${scheme}
            -DFOLDER=${otter_BINARY_DIR}/keys -P ${CMAKE_CURRENT_LIST_DIR}/make-image-keys.cmake
    DEPENDS ${otter_tool_target} ${CMAKE_CURRENT_LIST_DIR}/make-image-keys.cmake
    COMMENT "The key that the bootloader trusts"
    VERBATIM)
add_custom_target(otter_image_keys DEPENDS ${OTTER_IMAGE_KEYS})

# For functions that a product calls.
foreach(variable OTTER_IMAGE_KEYS OTTER_IMAGE_SCHEME)
    set(${variable} ${${variable}} CACHE INTERNAL "")
endforeach()
