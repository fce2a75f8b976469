list(APPEND otter_sources provision.c provision_device.c provision_cloud.c provision_section.c)
