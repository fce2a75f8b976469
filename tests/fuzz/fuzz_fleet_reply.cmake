otter_fuzz_target(fleet_reply USES room_fleet)
