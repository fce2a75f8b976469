# The emulated Cortex-M33 with an ESP8266 at its UART1 in place of Ethernet, as the NuMaker-IoT
# boards have it; twin/modem plays the modem.
include(${CMAKE_CURRENT_LIST_DIR}/../board.cmake)
set(BOARD_NETWORK esp8266)
