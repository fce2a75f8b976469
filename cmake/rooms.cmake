# How a room becomes a library, and with which warnings. Products call some of these functions from
# projects of their own (add_subdirectory), so none of them asks for the project that is current.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # of POSIX and of the compiler, whatever the product builds itself with
set(CMAKE_UNITY_BUILD OFF) # files have statics of the same name
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Adds the folders that hold a CMakeLists.txt, in the order given.
function(otter_add_rooms)
    foreach(room IN LISTS ARGN)
        if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${room}/CMakeLists.txt)
            add_subdirectory(${room})
        endif()
    endforeach()
endfunction()

# Every target of ours is compiled with these; CONVERSION adds the device rooms' stricter set. A
# warning is an error only where we build ourselves, not with the compiler that a product has.
function(otter_warnings target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "CONVERSION" "" "")
    target_compile_options(${target} PRIVATE -Wall -Wextra)
    if(otter_IS_TOP_LEVEL)
        target_compile_options(${target} PRIVATE -Werror)
    endif()
    if(arg_CONVERSION)
        target_compile_options(${target} PRIVATE -Wconversion -Wno-sign-conversion)
    endif()
    # Else warnings that only an optimiser can give wait for the linking, where they are no errors. The other
    # rooms have them from the host's build, and need not be compiled twice for each board.
    if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_CURRENT_SOURCE_DIR MATCHES "^${otter_SOURCE_DIR}/ports/")
        target_compile_options(${target} PRIVATE -ffat-lto-objects)
    endif()
endfunction()

# otter_room(NAME [CONVERSION] SOURCES file... [USES library...])
# A room named codec becomes the static library room_codec, otter::codec for products; includes are
# written from the root of Otter: #include "codec/cbor.h".
function(otter_room name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "CONVERSION" "" "SOURCES;USES")
    # Compiled where a program wants it: a board has no use for the update modes of others.
    add_library(room_${name} STATIC EXCLUDE_FROM_ALL ${arg_SOURCES})
    add_library(otter::${name} ALIAS room_${name})
    target_include_directories(room_${name} PUBLIC ${otter_SOURCE_DIR})
    target_link_libraries(room_${name} PUBLIC ${arg_USES})
    if(arg_CONVERSION)
        otter_warnings(room_${name} CONVERSION)
    else()
        otter_warnings(room_${name})
    endif()
endfunction()

# otter_program(NAME SOURCES file... [USES library...])
function(otter_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES")
    add_executable(${name} ${arg_SOURCES})
    target_include_directories(${name} PRIVATE ${otter_SOURCE_DIR})
    target_link_libraries(${name} PRIVATE ${arg_USES})
    otter_warnings(${name})
endfunction()
