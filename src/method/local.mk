libproto_a_SOURCES += \
	%D%/tls_frame.h \
	%D%/tls_peer.h
