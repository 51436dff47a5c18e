libproto_a_SOURCES += \
	%D%/keys.h \
	%D%/lower.h \
	%D%/method.h \
	%D%/packet.h \
	%D%/peer.h
