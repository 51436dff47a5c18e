/* The middle of latchkey-dbus(7), from the tables: mdoc on standard output. */
#include <stdio.h>

#include "dbus/interface.h"

static const struct interface *const ours[] = { &interface_manager, &interface_port,
						&interface_profile, &interface_credential };

static void properties_man(const struct property *p)
{
	if (!p)
		return;
	puts(".Pp\nProperties:\n.Bl -tag -width Ds");
	for (; p->name; p++) {
		printf(".It Va %s Pq %s%s%s\n%s\n", p->name, value_signature(p->kind),
		       p->flags & PROPERTY_WRITABLE ? ", read and write" : "",
		       p->flags & PROPERTY_PRIVATE ? ", private" : "", p->doc);
	}
	puts(".El");
}

static void arguments_man(const char *introduction, const struct argument *args)
{
	const char *separator = introduction;

	for (; args->name; args++) {
		printf("%s %s %s", separator, args->signature, args->name);
		separator = ",";
	}
}

static void methods_man(const struct method *m)
{
	if (!m)
		return;
	puts(".Pp\nMethods:\n.Bl -tag -width Ds");
	for (; m->name; m++) {
		printf(".It Fn %s Li \"", m->name);
		arguments_man("", m->in);
		arguments_man(" \\(->", m->out);
		printf("\"\n%s\n", m->doc);
		if (m->need == NEED_CONTROL)
			puts("Needs authorisation.");
	}
	puts(".El");
}

static void signals_man(const struct signal_row *s)
{
	if (!s)
		return;
	puts(".Pp\nSignals:\n.Bl -tag -width Ds");
	for (; s->name; s++) {
		printf(".It Fn %s Li \"", s->name);
		arguments_man("", s->args);
		printf("\"\n%s\n", s->doc);
	}
	puts(".El");
}

int main(void)
{
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
		printf(".Ss %s\n%s\n", ours[i]->name, ours[i]->doc);
		properties_man(ours[i]->properties);
		methods_man(ours[i]->methods);
		signals_man(ours[i]->signals);
	}
	puts(".Ss Errors\n.Bl -tag -width Ds");
	for (const struct error_row *e = bus_errors; e->name; e++)
		printf(".It Er %s\n%s\n", e->name, e->doc);
	puts(".El");
	return 0;
}
