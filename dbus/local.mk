libshell_a_SOURCES += %D%/bus.h %D%/model.h
