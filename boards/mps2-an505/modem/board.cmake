# The emulated Cortex-M33 with an ESP8266 at its UART1 in place of Ethernet, as the NuMaker-IoT
# boards have it; twin/modem plays the modem.
include(${CMAKE_CURRENT_LIST_DIR}/../board.cmake)
set(BOARD_NETWORK esp8266)
# Without lwIP it has room for what other boards take by OTTER_KEYS (pki/README.md).
set(BOARD_KEYS p384 rsa2048)
