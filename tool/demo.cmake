list(APPEND otter_sources demo/aws.c demo/follow.c demo/lines.c demo/mode.c demo/signing.c demo/next.c demo/screen.c demo/setup.c demo/summary.c
     demo/update.c demo/world.c)
list(APPEND otter_uses dep_jansson)
