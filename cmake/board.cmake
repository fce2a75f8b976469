# The board: a folder of boards/, or one anywhere else, with a board.cmake (what the build needs to
# know) and a board.h (its map; boards/README.md explains both). Nothing else names a board.

set(OTTER_CMAKE_FOLDER ${CMAKE_CURRENT_LIST_DIR})

# otter_find_board(FOLDER result, NAME result) of what a user gave: "mps2-an505/move", or an
# absolute path to a folder outside of the tree, whose last part is then the board's name.
function(otter_find_board given folder_result name_result)
    set(root ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../boards)
    cmake_path(NORMAL_PATH root)
    if(IS_ABSOLUTE "${given}")
        cmake_path(NORMAL_PATH given OUTPUT_VARIABLE folder)
        string(REGEX REPLACE "/$" "" folder "${folder}")
        cmake_path(GET folder FILENAME name)
    else()
        set(folder ${root}/${given})
        set(name ${given})
    endif()
    if(NOT EXISTS "${folder}/board.cmake" OR NOT EXISTS "${folder}/board.h")
        otter_list_boards(names)
        list(JOIN names " " names)
        message(FATAL_ERROR "there is no board '${given}' (no board.cmake and board.h in ${folder}); "
                            "there are: ${names}")
    endif()
    set(${folder_result} ${folder} PARENT_SCOPE)
    set(${name_result} ${name} PARENT_SCOPE)
endfunction()

# Names of the boards in the tree. A board may have others below it: profiles.
function(otter_list_boards result)
    set(root ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../boards)
    file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${root} ${root}/board.cmake)
    list(TRANSFORM files REPLACE "/board.cmake$" "")
    set(${result} ${files} PARENT_SCOPE)
endfunction()

# otter_use_board(GIVEN): before project(), chooses the compiler for the board. Sets what its
# board.cmake says, and OTTER_BOARD_FOLDER, OTTER_BOARD_NAME, OTTER_PORT.
macro(otter_use_board given)
    otter_find_board("${given}" OTTER_BOARD_FOLDER OTTER_BOARD_NAME)
    include(${OTTER_BOARD_FOLDER}/board.cmake)
    set(OTTER_PORT ${BOARD_PORT})
    if(BOARD_CPU AND NOT CMAKE_TOOLCHAIN_FILE)
        set(CMAKE_TOOLCHAIN_FILE ${OTTER_CMAKE_FOLDER}/arm-none-eabi.cmake)
    endif()
    if(BOARD_CPU AND NOT CMAKE_BUILD_TYPE)
        set(CMAKE_BUILD_TYPE MinSizeRel CACHE STRING "")
    endif()
endmacro()

# A C number ("0x1000u") as CMake counts.
function(otter_c_number text result)
    string(REGEX REPLACE "([0-9a-fA-F])[uUlL]+" "\\1" text "${text}")
    math(EXPR value "${text}" OUTPUT_FORMAT DECIMAL)
    set(${result} ${value} PARENT_SCOPE)
endfunction()

# Of the JSON value in the variable named by `into`.
function(otter_json_add into key value)
    string(JSON text SET "${${into}}" ${key} "${value}")
    set(${into} "${text}" PARENT_SCOPE)
endfunction()

# One line "device_0 base, write, count, size, ..." as an object of the description.
function(otter_board_device into index line)
    string(REPLACE "," ";" parts "${line}")
    set(numbers "")
    foreach(part IN LISTS parts)
        otter_c_number("${part}" number)
        list(APPEND numbers ${number})
    endforeach()
    list(GET numbers 0 base)
    list(GET numbers 1 write)
    list(SUBLIST numbers 2 -1 runs)
    set(object "{}")
    otter_json_add(object base ${base})
    otter_json_add(object write_size ${write})
    list(JOIN runs ", " runs)
    otter_json_add(object sectors "[${runs}]")
    string(JSON text SET "${${into}}" ${index} "${object}")
    set(${into} "${text}" PARENT_SCOPE)
    set(device_${index}_base ${base} PARENT_SCOPE)
endfunction()

# otter_read_board(FOLDER NAME JSON): has the C preprocessor expand the map, writes it down for
# programs (tool/board_map.c), and sets in the caller's scope
#   board_update        swap-scratch, swap-move, ...
#   board_header_size, board_primary_address, board_secondary_address, board_slot_size
#   board_secure_address, board_secure_size of the secure program's primary slot; size 0: there is none
function(otter_read_board folder name json_file)
    set(root ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/..)
    include(${folder}/board.cmake)
    execute_process(
        COMMAND ${CMAKE_C_COMPILER} -E -P -x c -I ${root} "-DOTTER_BOARD_HEADER=\"${folder}/board.h\""
                ${root}/boards/map.in
        OUTPUT_VARIABLE text ERROR_VARIABLE errors RESULT_VARIABLE code)
    if(NOT code EQUAL 0)
        message(FATAL_ERROR "the map of ${name} cannot be read:\n${errors}")
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/board.h
                 ${folder}/board.cmake ${root}/boards/map.h ${root}/boards/map.in)
    set(json "{}")
    set(devices "[]")
    set(areas "{}")
    otter_json_add(json name "\"${name}\"")
    otter_json_add(json port "\"${BOARD_PORT}\"")
    otter_json_add(json network "\"${BOARD_NETWORK}\"")
    string(REGEX MATCHALL "[^\n]+" lines "${text}")
    foreach(line IN LISTS lines)
        if(line MATCHES "^update UPDATE_([A-Z_]+)$")
            string(TOLOWER ${CMAKE_MATCH_1} update)
            string(REPLACE _ - update ${update})
            otter_json_add(json update "\"${update}\"")
        elseif(line MATCHES "^device_([0-9]) (.*)$")
            otter_board_device(devices ${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
        elseif(line MATCHES "^area_([a-z_]+) ([^,]+),([^,]+),([^,]+)$")
            set(area ${CMAKE_MATCH_1})
            set(object "{}")
            set(parts ${CMAKE_MATCH_2} ${CMAKE_MATCH_3} ${CMAKE_MATCH_4})
            set(names device offset size)
            foreach(part part_name IN ZIP_LISTS parts names)
                otter_c_number("${part}" ${area}_${part_name})
                otter_json_add(object ${part_name} ${${area}_${part_name}})
            endforeach()
            otter_json_add(areas ${area} "${object}")
        elseif(line MATCHES "^(header_size|max_sectors|max_align) (.*)$")
            set(key ${CMAKE_MATCH_1})
            otter_c_number("${CMAKE_MATCH_2}" ${key})
            otter_json_add(json ${key} ${${key}})
        endif()
    endforeach()
    otter_json_add(json devices "${devices}")
    otter_json_add(json areas "${areas}")
    file(CONFIGURE OUTPUT ${json_file} CONTENT "${json}\n" @ONLY)

    math(EXPR primary "${device_${primary_device}_base} + ${primary_offset}")
    math(EXPR secondary "${device_${secondary_device}_base} + ${secondary_offset}")
    set(board_update ${update} PARENT_SCOPE)
    set(board_header_size ${header_size} PARENT_SCOPE)
    set(board_primary_address ${primary} PARENT_SCOPE)
    set(board_secondary_address ${secondary} PARENT_SCOPE)
    set(board_slot_size ${primary_size} PARENT_SCOPE)
    math(EXPR secure "${device_${secure_primary_device}_base} + ${secure_primary_offset}")
    set(board_secure_address ${secure} PARENT_SCOPE)
    set(board_secure_size ${secure_primary_size} PARENT_SCOPE)
endfunction()
