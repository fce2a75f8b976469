# cmake -DTOOL=otter -DKEY=[pem] -DFOLDER=dir -P make-image-keys.cmake
# Makes FOLDER/boot-signing.pem once when no KEY is given, and FOLDER/image_keys.c.
file(MAKE_DIRECTORY ${FOLDER})
if(NOT KEY)
    set(KEY ${FOLDER}/boot-signing.pem)
    if(NOT EXISTS ${KEY})
        execute_process(COMMAND ${TOOL} keygen -t ecdsa-p256 -k ${KEY} COMMAND_ERROR_IS_FATAL ANY)
    endif()
endif()
execute_process(COMMAND ${TOOL} getpub -k ${KEY} -e lang-c OUTPUT_VARIABLE key_array
                COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${FOLDER}/image_keys.c "${key_array}
#include \"image/check.h\"

const struct image_key image_keys[] = {{ecdsa_pub_key, sizeof ecdsa_pub_key, 0}};
const unsigned image_key_count = 1;
")
