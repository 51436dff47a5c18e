libshell_a_SOURCES += \
	%D%/arm.h \
	%D%/ini.h \
	%D%/profile.h \
	%D%/service.h
