list(APPEND otter_uses room_smp_client)
