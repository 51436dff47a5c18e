/* A QR code (ISO/IEC 18004) for a terminal. */
#ifndef AUTHD_QR_H
#define AUTHD_QR_H

#include <stdbool.h>
#include <stdio.h>

/* Two modules a character, dark on light whatever the terminal's colours.  false: this program was
 * built without libqrencode, or the text is too long; nothing is printed then. */
bool qr_print(const char *text, FILE *out);

#endif
