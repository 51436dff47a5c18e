libshell_a_SOURCES += \
	%D%/link.c %D%/link.h \
	%D%/log.c %D%/log.h \
	%D%/loop.c %D%/loop.h \
	%D%/packet.c %D%/packet.h

# What only latchkey-authd needs.
libauthd_a_SOURCES += \
	%D%/bridge.c %D%/bridge.h \
	%D%/door.c %D%/door.h \
	%D%/gate.c %D%/gate.h \
	%D%/ruleset.c %D%/ruleset.h \
	%D%/vlan_place.c %D%/vlan_place.h
