libshell_a_SOURCES += \
	%D%/arm.c %D%/arm.h %D%/arm_inner.c %D%/arm_parts.h \
	%D%/arm_enrol.c %D%/arm_enrol.h \
	%D%/file.c %D%/file.h \
	%D%/files.c %D%/files.h \
	%D%/ini.c %D%/ini.h \
	%D%/ini_eap.c \
	%D%/ini_errors.c \
	%D%/ini_types.c \
	%D%/legacy.c %D%/legacy.h \
	%D%/profile.c %D%/profile.h %D%/profile_inner.c %D%/profile_parts.h \
	%D%/profile_keys.c \
	%D%/service.c %D%/service.h
