libproto_a_SOURCES += \
	%D%/cprom_peer.h %D%/cprom_server.h \
	%D%/tls_frame.c %D%/tls_frame.h \
	%D%/tls_keys.c %D%/tls_keys.h \
	%D%/tls_peer.c %D%/tls_peer.h \
	%D%/tls_server.c %D%/tls_server.h
