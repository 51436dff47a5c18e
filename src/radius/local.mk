libproto_a_SOURCES += \
	%D%/authenticator.h \
	%D%/client.h \
	%D%/duplicates.h \
	%D%/dynauth.h \
	%D%/keys.h \
	%D%/packet.h \
	%D%/server.h
