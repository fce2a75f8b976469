# Toolchain of the Cortex-M boards (BOARD_CPU of the board says which core): gcc-arm-none-eabi with picolibc, software floating point
# (no FPU state to keep), built for size. Debian: gcc-arm-none-eabi, picolibc-arm-none-eabi.
set(CMAKE_SYSTEM_NAME Generic)
if(NOT BOARD_CPU)
    set(BOARD_CPU cortex-m33)
endif()
set(CMAKE_SYSTEM_PROCESSOR ${BOARD_CPU})

set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER arm-none-eabi-g++) # for products in C++; the package has no C++ library
set(CMAKE_ASM_COMPILER arm-none-eabi-gcc)
set(CMAKE_OBJCOPY arm-none-eabi-objcopy CACHE STRING "")
set(CMAKE_SIZE arm-none-eabi-size CACHE STRING "")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

# The printf family without floating point is a third of the size.
set(CMAKE_C_FLAGS_INIT "-mcpu=${BOARD_CPU} -mthumb -mfloat-abi=soft --specs=picolibc.specs \
-DPICOLIBC_INTEGER_PRINTF_SCANF -ffunction-sections -fdata-sections -fno-common")
set(CMAKE_CXX_FLAGS_INIT "${CMAKE_C_FLAGS_INIT} -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit")
set(CMAKE_ASM_FLAGS_INIT "-mcpu=${BOARD_CPU} -mthumb")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--gc-sections")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
