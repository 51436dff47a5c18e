#include "base/status.h"

const char *status_name(enum status status)
{
	switch (status) {
	case OK:
		return "ok";
	case MALFORMED:
		return "malformed";
	case UNEXPECTED:
		return "unexpected";
	case UNTRUSTED:
		return "untrusted";
	case UNSUPPORTED:
		return "unsupported";
	case NO_MEMORY:
		return "no memory";
	case CRYPTO:
		return "crypto";
	}
	return "?";
}
