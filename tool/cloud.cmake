list(APPEND otter_sources cloud_dir.c cloud_names.c)
list(APPEND otter_uses room_cloud_gateway room_cloud_api)
