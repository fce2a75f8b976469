@ Where the gates of the secure program are that was released (secure/gate.h). Firmware in the field calls
@ them there: none of these lines is ever changed. A gate that is new comes behind them by itself, and gets
@ its line with its first release (`arm-none-eabi-nm` of bootloader-gates.o in the build says where it is).
        .macro  gate name, address
        .global gate_\name
        .type   gate_\name, %function
        .size   gate_\name, 8
        .set    gate_\name, \address + 1 @ Thumb
        .endm

        gate    make_key, 0x1000fe00
        gate    export_public_key, 0x1000fe08
        gate    destroy_key, 0x1000fe10
        gate    sign_hash, 0x1000fe18
        gate    generate_random, 0x1000fe20
        gate    seal, 0x1000fe28
        gate    its, 0x1000fe30
        gate    fwu_query, 0x1000fe38
        gate    fwu, 0x1000fe40
        gate    fwu_write, 0x1000fe48
        gate    fwu_read, 0x1000fe50
        gate    reboot, 0x1000fe58
        gate    feed, 0x1000fe60
