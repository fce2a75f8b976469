list(APPEND otter_uses dep_jansson)
