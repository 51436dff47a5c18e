#include "enrol/cmp_run.h"

#include "enrol/chain.h"

static bool believe_nonce(OSSL_CMP_CTX *ctx, struct slice nonce)
{
	ASN1_OCTET_STRING *string = ASN1_OCTET_STRING_new();
	bool done = string && ASN1_OCTET_STRING_set(string, nonce.p, (int)nonce.len) &&
		    OSSL_CMP_CTX_set1_senderNonce(ctx, string);

	ASN1_OCTET_STRING_free(string);
	return done;
}

/* What was received before is given again.  The library has just made up a nonce for a message that
 * nobody gets; the one that this answers was checked when it came. */
static OSSL_CMP_MSG *feed(OSSL_CMP_CTX *ctx, struct cmp_run *run)
{
	struct slice der = run->feed[run->fed++];
	struct cmp_message view;

	if (run->fed == run->feeds)
		OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_UNPROTECTED_SEND, 0);
	if (cmp_message_parse(der, &view) != 0 || !believe_nonce(ctx, view.recip_nonce))
		return NULL;
	return cmp_decode(der);
}

/* The library's callback: NULL ends the run. */
static OSSL_CMP_MSG *transfer(OSSL_CMP_CTX *ctx, const OSSL_CMP_MSG *request)
{
	struct cmp_run *run = OSSL_CMP_CTX_get_transfer_cb_arg(ctx);

	if (run->fed < run->feeds)
		return feed(ctx, run);
	if (!run->sent)
		run->sent = cmp_encode(request, run->out) == OK;
	return NULL;
}

static int judge(OSSL_CMP_CTX *ctx, X509 *cert, int complaint, const char **text)
{
	struct cmp_run *run = OSSL_CMP_CTX_get_certConf_cb_arg(ctx);

	(void)cert;
	run->asked = true;
	run->complaint = complaint;
	if (run->words)
		*text = run->words;
	return complaint ? complaint : run->refusal;
}

static bool set_terms(OSSL_CMP_CTX *ctx, const struct cmp_terms *terms, struct moment now)
{
	AUTO(X509_STACK) chain = NULL;

	if (terms->recipient && !OSSL_CMP_CTX_set1_recipient(ctx, terms->recipient))
		return false;
	if (terms->secret.len > 0)
		return cmp_set_secret(ctx, terms->reference, terms->secret);
	/* the library takes an empty stack for none, and then has nowhere to put extraCerts */
	if (enrol_copy(terms->chain, &chain) != OK ||
	    (sk_X509_num(chain) > 0 && !OSSL_CMP_CTX_set1_untrusted(ctx, chain)))
		return false;
	return OSSL_CMP_CTX_set1_cert(ctx, terms->cert) &&
	       OSSL_CMP_CTX_set1_pkey(ctx, terms->key) && cmp_trust(ctx, terms->anchors, now.wall);
}

static bool set_names(OSSL_CMP_CTX *ctx, const struct cmp_wish *wish)
{
	if (wish->subject && !OSSL_CMP_CTX_set1_subjectName(ctx, wish->subject))
		return false;
	/* Else the names of the certificate that signs are asked for as well, also of an RA's. */
	if (wish->kind != CMP_KUR &&
	    !OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_SUBJECTALTNAME_NODEFAULT, 1))
		return false;
	for (int i = 0; i < sk_GENERAL_NAME_num(wish->alternative); i++)
		if (!OSSL_CMP_CTX_push1_subjectAltName(ctx,
						       sk_GENERAL_NAME_value(wish->alternative, i)))
			return false;
	return true;
}

static bool set_template(OSSL_CMP_CTX *ctx, const struct cmp_wish *wish, bool for_show)
{
	int method = wish->ra_verified ? OSSL_CRMF_POPO_RAVERIFIED
		     : for_show	       ? OSSL_CRMF_POPO_NONE
				       : OSSL_CRMF_POPO_SIGNATURE;

	if (!EVP_PKEY_up_ref(wish->key))
		return false;
	if (!OSSL_CMP_CTX_set0_newPkey(ctx, !wish->ra_verified, wish->key)) {
		EVP_PKEY_free(wish->key);
		return false;
	}
	if (wish->old && !OSSL_CMP_CTX_set1_oldCert(ctx, wish->old))
		return false;
	return set_names(ctx, wish) &&
	       OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_POPO_METHOD, method);
}

/* With the root that we know: RFC 9483, section 4.3.2. */
static bool set_root_question(OSSL_CMP_CTX *ctx, const struct cmp_wish *wish)
{
	OSSL_CMP_ITAV *item = cmp_root_question(wish->old);

	if (!item)
		return false;
	if (!OSSL_CMP_CTX_push0_genm_ITAV(ctx, item)) {
		OSSL_CMP_ITAV_free(item);
		return false;
	}
	return true;
}

static bool set_wish(OSSL_CMP_CTX *ctx, const struct cmp_wish *wish, bool for_show)
{
	if (!OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_IMPLICIT_CONFIRM, 1))
		return false;
	if (wish->kind == CMP_GENM)
		return set_root_question(ctx, wish);
	if (wish->kind == CMP_RR)
		return OSSL_CMP_CTX_set1_oldCert(ctx, wish->old) &&
		       OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_REVOCATION_REASON, wish->reason);
	if (wish->kind != CMP_P10CR)
		return set_template(ctx, wish, for_show);
	return OSSL_CMP_CTX_set1_p10CSR(ctx, wish->csr);
}

static bool set_transaction(OSSL_CMP_CTX *ctx, struct slice id)
{
	ASN1_OCTET_STRING *string;
	bool done;

	if (id.len == 0)
		return true;
	string = ASN1_OCTET_STRING_new();
	done = string && ASN1_OCTET_STRING_set(string, id.p, (int)id.len) &&
	       OSSL_CMP_CTX_set1_transactionID(ctx, string);
	ASN1_OCTET_STRING_free(string);
	return done;
}

OSSL_CMP_CTX *cmp_run_context(struct cmp_run *run, struct moment now)
{
	AUTO(OSSL_CMP_CTX) ctx = OSSL_CMP_CTX_new(NULL, NULL);
	bool for_show = run->feeds > 0;

	if (!ctx || !cmp_prepare(ctx) || !OSSL_CMP_CTX_set_transfer_cb(ctx, transfer) ||
	    !OSSL_CMP_CTX_set_transfer_cb_arg(ctx, run) ||
	    !OSSL_CMP_CTX_set_certConf_cb(ctx, judge) ||
	    !OSSL_CMP_CTX_set_certConf_cb_arg(ctx, run) ||
	    !OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_UNPROTECTED_SEND, for_show) ||
	    !set_transaction(ctx, run->transaction) || !set_terms(ctx, run->terms, now) ||
	    !set_wish(ctx, run->wish, for_show))
		return NULL;
	return TAKE(ctx);
}

int cmp_run_client(OSSL_CMP_CTX *ctx, const struct cmp_wish *wish, int *ret_after)
{
	if (wish->kind == CMP_RR)
		return OSSL_CMP_exec_RR_ses(ctx);
	if (wish->kind == CMP_GENM) {
		AUTO(ITAV_STACK) items = OSSL_CMP_exec_GENM_ses(ctx);

		return items != NULL;
	}
	return OSSL_CMP_try_certreq(ctx, (int)wish->kind, NULL, ret_after);
}
