otter_fuzz_target(esp8266 USES room_net_at)
