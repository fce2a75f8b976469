# A room of its own, so that tests can run the client against the device's server.
otter_room(smp_client SOURCES smp_client.c console_port.c USES room_tool_image room_codec)
list(APPEND otter_sources recover_progress.c)
list(APPEND otter_uses room_smp_client)
