libproto_a_SOURCES +=
