libproto_a_SOURCES += \
	%D%/frame.c %D%/frame.h \
	%D%/supplicant.c %D%/supplicant.h \
	%D%/supplicant_backend.c %D%/supplicant_machines.h %D%/supplicant_pae.c \
	%D%/authenticator.c %D%/authenticator.h %D%/authenticator_backend.c \
	%D%/authenticator_machines.h %D%/authenticator_pae.c
