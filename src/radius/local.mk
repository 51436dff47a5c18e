libproto_a_SOURCES += \
	%D%/authenticator.c %D%/authenticator.h \
	%D%/client.c %D%/client.h \
	%D%/client_answer.c %D%/client_heap.c %D%/client_new.c %D%/client_parts.h %D%/client_servers.c \
	%D%/duplicates.c %D%/duplicates.h \
	%D%/dynauth.c %D%/dynauth.h \
	%D%/facts.c %D%/facts.h \
	%D%/keys.c %D%/keys.h \
	%D%/names.c \
	%D%/packet.c %D%/packet.h \
	%D%/server.c %D%/server.h
