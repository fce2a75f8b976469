# cmake -DTOOL=otter -DKEY=[pem] -DTYPE=type -DSCHEME=name -DFOLDER=dir -P make-image-keys.cmake
# Makes FOLDER/boot-signing.pem once when no KEY is given, and FOLDER/image_keys.c.
file(MAKE_DIRECTORY ${FOLDER})
if(NOT KEY)
    set(KEY ${FOLDER}/boot-signing.pem)
    if(NOT EXISTS ${KEY})
        execute_process(COMMAND ${TOOL} keygen -t ${TYPE} -k ${KEY} COMMAND_ERROR_IS_FATAL ANY)
    endif()
endif()
execute_process(COMMAND ${TOOL} getpub -k ${KEY} -e lang-c OUTPUT_VARIABLE key_array
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "[a-z0-9]+_pub_key" array "${key_array}")
string(REGEX REPLACE "-.*" "_pub_key" expected ${TYPE})
string(REPLACE ed25519 ed25519_pub_key expected ${expected})
if(NOT array STREQUAL expected)
    message(FATAL_ERROR "${KEY} is no key of the type ${TYPE}: set OTTER_SIGNATURE to its type, or "
                        "OTTER_SIGNING_KEY to another key")
endif()
file(WRITE ${FOLDER}/image_keys.c "${key_array}
#include \"image/check.h\"

const struct image_key image_keys[] = {{${array}, sizeof ${array}, 0, &${SCHEME}}};
const unsigned image_key_count = 1;
")
