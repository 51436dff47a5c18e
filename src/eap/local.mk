libproto_a_SOURCES += \
	%D%/authenticator.h \
	%D%/keys.c %D%/keys.h \
	%D%/lower.h \
	%D%/method.h \
	%D%/packet.c %D%/packet.h \
	%D%/peer.c %D%/peer.h \
	%D%/peer_diagnosis.c %D%/peer_parts.h %D%/peer_response.c \
	%D%/server_method.h
