libshell_a_SOURCES += %D%/log.h %D%/loop.h
