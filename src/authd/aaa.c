#include "authd/aaa.h"

#include <errno.h>

void aaa_grant_done(struct aaa_grant *grant)
{
	for (size_t i = 0; i < AAA_CLASS_MAX; i++)
		bytes_done(&grant->class[i]);
	*grant = (struct aaa_grant){ 0 };
}

int aaa_grant_copy(const struct aaa_grant *from, struct aaa_grant *ret)
{
	*ret = *from;
	for (size_t i = 0; i < AAA_CLASS_MAX; i++)
		ret->class[i] = (struct bytes){ 0 };
	for (size_t i = 0; i < AAA_CLASS_MAX; i++) {
		if (bytes_set(&ret->class[i], bytes_slice(&from->class[i])) == OK)
			continue;
		aaa_grant_done(ret);
		return -ENOMEM;
	}
	return 0;
}

void aaa_request_done(struct aaa_request *request)
{
	bytes_done(&request->eap);
	*request = (struct aaa_request){ 0 };
}

void aaa_answer_done(struct aaa_answer *answer)
{
	bytes_done(&answer->eap);
	eap_keys_done(&answer->keys);
	aaa_grant_done(&answer->grant);
	*answer = (struct aaa_answer){ 0 };
}
