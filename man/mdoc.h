/* What the programs that make parts of the manual share: text and tables of keys as mdoc on
 * standard output. */
#ifndef MAN_MDOC_H
#define MAN_MDOC_H

#include "config/ini.h"

void put_text(const char *text); /* `code` and references to pages become macros */
/* The keys of one section of a table; how many there were. */
size_t put_section(const struct ini_table *table, const char *section);

#endif
