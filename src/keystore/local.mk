libshell_a_SOURCES += \
	%D%/dir.c %D%/dir.h \
	%D%/dir_change.c %D%/dir_enrol.c %D%/dir_list.c \
	%D%/dir_write.c %D%/dir_write.h \
	%D%/generation.c %D%/generation.h \
	%D%/keystore.h \
	%D%/meta.c \
	%D%/place.c %D%/place.h \
	%D%/uri.c %D%/uri.h
