#include "authd/qr.h"

#ifdef HAVE_QRENCODE
#include <qrencode.h>

#define QUIET 2 /* modules around it; readers manage with fewer than the four of the standard */

static bool is_dark(const QRcode *code, int x, int y)
{
	x -= QUIET;
	y -= QUIET;
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       (code->data[y * code->width + x] & 1);
}

static void print_row(const QRcode *code, int y, FILE *out)
{
	static const char *const halves[] = { " ", "\u2584", "\u2580", "\u2588" };

	fputs("\033[30;47m", out);
	for (int x = 0; x < code->width + 2 * QUIET; x++)
		fputs(halves[2 * is_dark(code, x, y) + is_dark(code, x, y + 1)], out);
	fputs("\033[0m\n", out);
}

bool qr_print(const char *text, FILE *out)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);

	if (!code)
		return false;
	for (int y = 0; y < code->width + 2 * QUIET; y += 2)
		print_row(code, y, out);
	QRcode_free(code);
	return true;
}

#else

bool qr_print(const char *text, FILE *out)
{
	(void)text;
	(void)out;
	return false;
}

#endif
