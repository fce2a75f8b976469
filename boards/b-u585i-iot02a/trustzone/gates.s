@ Where the gates of the secure program are that was released (secure/gate.h, ports/stm32/gates.h). Firmware in
@ the field calls them there: none of these lines is ever changed. A gate that is new comes behind them by itself,
@ and gets its line with its first release (`arm-none-eabi-nm` of secure-gates.o in the build says where it is).
        .macro  gate name, address
        .global gate_\name
        .type   gate_\name, %function
        .size   gate_\name, 8
        .set    gate_\name, \address + 1 @ Thumb
        .endm

        gate    make_key, 0x0c040500
        gate    export_public_key, 0x0c040508
        gate    destroy_key, 0x0c040510
        gate    sign_hash, 0x0c040518
        gate    generate_random, 0x0c040520
        gate    seal, 0x0c040528
        gate    its, 0x0c040530
        gate    fwu_query, 0x0c040538
        gate    fwu, 0x0c040540
        gate    fwu_write, 0x0c040548
        gate    fwu_read, 0x0c040550
        gate    reboot, 0x0c040558
        gate    feed, 0x0c040560
        gate    flash, 0x0c040568
        gate    keep, 0x0c040570
