libproto_a_SOURCES += \
	%D%/authenticator.c %D%/authenticator.h \
	%D%/authenticator_boxes.c %D%/authenticator_diagnosis.c %D%/authenticator_parts.h \
	%D%/authenticator_policy.c %D%/authenticator_request.c \
	%D%/keys.c %D%/keys.h \
	%D%/lower.h \
	%D%/method.h \
	%D%/packet.c %D%/packet.h \
	%D%/peer.c %D%/peer.h \
	%D%/peer_diagnosis.c %D%/peer_method.c %D%/peer_parts.h %D%/peer_response.c \
	%D%/question.h \
	%D%/server_method.h \
	%D%/tunnel.h
