#include "keystore/generation.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "keystore/keystore.h"

bool keystore_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= KEYSTORE_NAME_MAX && isalnum((unsigned char)name[0]) &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		       len;
}

unsigned generation_parse(const char *name)
{
	size_t len = strlen(name);
	unsigned number = 0;

	if (len == 0 || len >= GENERATION_TEXT_MAX || name[0] == '0')
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		number = number * 10 + (unsigned)(name[i] - '0');
	}
	return number;
}

void generation_format(unsigned number, char text[GENERATION_TEXT_MAX])
{
	snprintf(text, GENERATION_TEXT_MAX, "%u", number % (GENERATION_NUMBER_MAX + 1));
}

void generations_add(struct generations *all, unsigned number)
{
	if (number > 0 && all->count < GENERATIONS_SEEN_MAX)
		all->numbers[all->count++] = number;
}

bool generations_have(const struct generations *all, unsigned number)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->numbers[i] == number)
			return true;
	}
	return false;
}

unsigned generations_next(const struct generations *all)
{
	unsigned highest = 0;

	for (size_t i = 0; i < all->count; i++) {
		if (all->numbers[i] > highest)
			highest = all->numbers[i];
	}
	return highest < GENERATION_NUMBER_MAX ? highest + 1 : 0;
}

unsigned generations_doomed(const struct generations *all, unsigned current, unsigned proved,
			    size_t keep)
{
	unsigned lowest = 0;

	if (all->count <= keep)
		return 0;
	for (size_t i = 0; i < all->count; i++) {
		unsigned number = all->numbers[i];

		if (number != current && number != proved && (lowest == 0 || number < lowest))
			lowest = number;
	}
	return lowest;
}

void generations_remove(struct generations *all, unsigned number)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->numbers[i] == number)
			all->numbers[i--] = all->numbers[--all->count];
	}
}
