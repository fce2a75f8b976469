list(APPEND otter_sources cloud_dir.c cloud_names.c cloud_backup.c cloud_image.c cloud_page.c)
list(APPEND otter_uses room_cloud_core room_cloud_store room_cloud_loop room_cloud_broker room_cloud_reserved room_cloud_gateway room_cloud_api room_cloud_page)
