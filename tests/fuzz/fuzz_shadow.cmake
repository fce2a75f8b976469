otter_fuzz_target(shadow USES room_shadow)
target_sources(fuzz_shadow PRIVATE sim/nor_sim.c sim/nor_cut.c sim/nor_fault.c)
