@ Where the gates of the secure program are that was released (secure/gate.h). Firmware in the field calls
@ them there: none of these lines is ever changed. A gate that is new comes behind them by itself, and gets
@ its line with its first release (`arm-none-eabi-nm` of secure-gates.o in the build says where it is).
        .macro  gate name, address
        .global gate_\name
        .type   gate_\name, %function
        .size   gate_\name, 8
        .set    gate_\name, \address + 1 @ Thumb
        .endm

        gate    make_key, 0x80123100
        gate    export_public_key, 0x80123108
        gate    destroy_key, 0x80123110
        gate    sign_hash, 0x80123118
        gate    generate_random, 0x80123120
        gate    seal, 0x80123128
        gate    its, 0x80123130
        gate    fwu_query, 0x80123138
        gate    fwu, 0x80123140
        gate    fwu_write, 0x80123148
        gate    fwu_read, 0x80123150
        gate    reboot, 0x80123158
        gate    feed, 0x80123160
