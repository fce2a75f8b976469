list(APPEND otter_sources flash_image.c)
list(APPEND otter_uses room_codec)
