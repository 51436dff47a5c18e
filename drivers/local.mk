libshell_a_SOURCES += \
	%D%/link.c %D%/link.h \
	%D%/log.c %D%/log.h \
	%D%/loop.c %D%/loop.h \
	%D%/packet.c %D%/packet.h

# What only latchkey-authd needs.
libauthd_a_SOURCES += %D%/gate.h
