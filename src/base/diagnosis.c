#include "base/diagnosis.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* clang-format off */
static const struct diagnosis_text texts[DIAG_COUNT] = {
	[DIAG_NONE] = { "none", "Nothing is wrong.", "", false },

	[DIAG_NO_AUTHENTICATOR] = { "no-authenticator",
		"Nobody answered {starts} EAPOL-Start frames on {interface}.",
		"Check that 802.1X is switched on for this switch port and that the cable goes to it; a port "
		"without 802.1X needs no supplicant.", false },
	[DIAG_RESPONSE_IGNORED] = { "response-ignored",
		"The authenticator asked for our identity and then ignored the answer {identity}.",
		"The switch probably cannot reach its RADIUS server, or the server does not answer for this "
		"identity: look at the switch's RADIUS state and at AnonymousIdentity= in the profile.", false },
	[DIAG_METHOD_NOT_AGREED] = { "method-not-agreed",
		"The server offered EAP method {offered}; this profile allows {allowed}.",
		"Let the server offer {allowed} to this machine: its rules choose the method.", false },
	[DIAG_TIMEOUT] = { "timeout",
		"The other side fell silent after {rounds} rounds, in {state}.",
		"Look at the server's log for this time. If large packets vanish on the way, lower "
		"FragmentSize= in the profile.", false },
	[DIAG_TOO_MANY_ROUNDS] = { "too-many-rounds",
		"The server did not come to an end within {rounds} rounds.",
		"Look at the server's log; a very long chain of certificates needs a larger FragmentSize= or "
		"MaxRounds= in the profile.", false },
	[DIAG_MALFORMED] = { "malformed-traffic",
		"The other side sent something that is not valid {what}.",
		"Somebody may be interfering, or the server is at fault: capture the traffic on this port "
		"(EtherType 0x888E) and look at what arrives.", false },
	[DIAG_CARRIER_LOST] = { "carrier-lost",
		"The link on {interface} went down during authentication.",
		"Check cable and switch port; some switches take the link down when they refuse a machine.",
		false },
	[DIAG_INTERFACE_GONE] = { "interface-gone",
		"The interface {interface} was removed.",
		"Nothing to do if that was meant; authentication starts by itself when it comes back.", false },
	[DIAG_PORT_TAKEN] = { "port-taken",
		"Another supplicant already works on {interface}: {owner}.",
		"Stop one of the two, for instance `systemctl disable --now wpa_supplicant`, and try again.",
		false },

	[DIAG_SERVER_UNTRUSTED] = { "server-untrusted",
		"The server's certificate {subject} was issued by {issuer}, which this profile does not trust.",
		"If that is the right authority, add its certificate to TrustAnchor= in the profile. If the profile "
		"trusts who certified that authority, the server should send that certificate along. If neither, "
		"this is not your network.", false },
	[DIAG_SERVER_CERT_EXPIRED] = { "server-cert-expired",
		"The certificate {subject} of the server expired on {not_after}.",
		"Check this machine's clock first, which says {now}. If it is right, the server's operator must "
		"renew the certificate.", false },
	[DIAG_SERVER_CERT_NOT_YET_VALID] = { "server-cert-not-yet-valid",
		"The certificate {subject} of the server is valid only from {not_before}.",
		"Check this machine's clock first, which says {now}. If it is right, the server's operator has "
		"installed the certificate too early.", false },
	[DIAG_CLOCK_WRONG] = { "clock-wrong",
		"This machine's clock says {now}, which is before this program was built ({built}).",
		"Set the clock, or give the profile another ClockPolicy= for machines that start without one.",
		false },
	[DIAG_SERVER_NAME_MISMATCH] = { "server-name-mismatch",
		"The server calls itself {names}; the profile expects {wanted}.",
		"If the server is the right one, correct ServerName= in the profile; if not, somebody else's "
		"server answers on this port.", false },
	[DIAG_SERVER_PIN_MISMATCH] = { "server-pin-mismatch",
		"No key in the server's chain has a pin of the profile; the pin of its own key is {fingerprint}.",
		"If the server's key was replaced on purpose, put the new pin into ServerPin= in the profile; if "
		"not, somebody else's server answers on this port.",
		false },
	[DIAG_SERVER_CERT_USAGE] = { "server-cert-usage",
		"The certificate {subject} is not meant for a TLS server ({detail}).",
		"The server needs a certificate with the extended key usage serverAuth.", false },
	[DIAG_SERVER_CERT_WEAK] = { "server-cert-weak",
		"The certificate {subject} is too weak to be relied on ({detail}).",
		"The server needs a certificate with at least RSA 2048 or P-256, signed with SHA-256 or better.",
		false },
	[DIAG_SERVER_CERT_REVOKED] = { "server-cert-revoked",
		"The certificate {subject} of the server was revoked.",
		"Do not override this: the server's operator must replace the certificate.", false },
	[DIAG_CRL_UNUSABLE] = { "crl-unusable",
		"The revocation list for {issuer} cannot be used ({detail}).",
		"Renew the files that CRL= names, or add the one that is missing.", false },
	[DIAG_OCSP_MISSING] = { "ocsp-missing",
		"The server sent no OCSP response, and the profile requires one.",
		"Switch on OCSP stapling on the server, or take OCSP=require out of the profile.", false },
	[DIAG_OCSP_INVALID] = { "ocsp-invalid",
		"The server's OCSP response cannot be relied on ({detail}).",
		"Look at the server's OCSP stapling: responder, signature and age of the response.", false },
	[DIAG_SERVER_CERT_INVALID] = { "server-cert-invalid",
		"The certificate {subject} did not pass ({detail}).",
		"The server's operator must look at the certificate and its chain.", false },

	[DIAG_TLS_VERSION] = { "tls-version-not-agreed",
		"We and the other side have no TLS version in common; we allow {allowed}.",
		"Bring the other side to TLS 1.2 or 1.3, and see that MinTLS= and MaxTLS= leave room for what it has. "
		"Versions before 1.2 mean reduced assurance.", false },
	[DIAG_TLS_CIPHER] = { "tls-cipher-not-agreed",
		"We and the other side have no cipher suite, group or signature algorithm in common ({detail}).",
		"Compare the key type of our certificate and the cipher settings of both.", false },
	[DIAG_TLS_ALERT] = { "tls-alert",
		"The other side ended the TLS handshake with the alert {alert}.",
		"Its log tells why it sent this alert.", false },
	[DIAG_TLS_FAILED] = { "tls-failed",
		"The TLS handshake failed on our side: {detail}.",
		"Most often the other side sent what does not belong there: look at its log for this time, or capture the "
		"traffic on this port (EtherType 0x888E).", false },

	[DIAG_CLIENT_CERT_REFUSED] = { "client-cert-refused",
		"The server refused the certificate of our credential {credential} (alert {alert}).",
		"The server's log tells why; compare the certificate with what the server asks for.", false },
	[DIAG_CLIENT_CERT_EXPIRED] = { "client-cert-refused-expired",
		"The server says that the certificate of our credential {credential} has expired (ours says {not_after}).",
		"Renew the certificate. If it is still valid here, the server's clock is wrong.", false },
	[DIAG_CLIENT_CERT_REVOKED] = { "client-cert-refused-revoked",
		"The server says that the certificate of our credential {credential} was revoked.",
		"Ask the authority that issued it; this machine needs a new certificate.", false },
	[DIAG_CLIENT_CERT_UNSUPPORTED] = { "client-cert-refused-unsupported",
		"The server cannot use the certificate of our credential {credential} (alert {alert}).",
		"Key type, size or key usage is not what the server accepts: compare them with its settings.",
		false },
	[DIAG_CLIENT_CA_UNKNOWN] = { "client-ca-unknown",
		"The server does not know {issuer}, which issued the certificate of our credential {credential}.",
		"Add the issuing authority to the server's client CAs, or include the intermediate certificates in "
		"the credential.", false },
	[DIAG_CLIENT_ACCESS_DENIED] = { "client-access-denied",
		"The server accepted the certificate of our credential {credential} but its policy denies access.",
		"Ask the network's operator to admit this machine.", false },
	[DIAG_CLIENT_CERT_REQUIRED] = { "client-cert-required",
		"The server demands a certificate and we sent none.",
		"Give the profile a Credential=; if it has one, its key type may not suit the server.", false },
	[DIAG_CLIENT_SIGNATURE] = { "client-signature-refused",
		"The server could not verify our signature (alert {alert}).",
		"Check that key and certificate of {credential} belong together: `latchkeyctl check`.", false },

	[DIAG_INNER_REFUSED] = { "inner-refused",
		"The server refused {identity}, which authenticated by {inner} inside of the tunnel: {detail}.",
		"Check Identity= and the password in [Inner] of the profile; if both are right, the server's log "
		"tells more. Tries that go on may lock the account.", false },
	[DIAG_INNER_PASSWORD_EXPIRED] = { "inner-password-expired",
		"The password of {identity} has expired.",
		"Change it where the account is kept, then put the new one into the profile.", false },
	[DIAG_INNER_SERVER_UNPROVEN] = { "inner-server-unproven",
		"The server did not prove that it knows the password of {identity} ({detail}).",
		"If the password was changed there, put the new one into the profile; if not, this server is not the "
		"one that keeps the account, and was given nothing it could use.", false },
	[DIAG_INNER_UNPROTECTED] = { "inner-unprotected",
		"Nothing says who this server is, so {inner} was not done with it.",
		"Name the server in [Server] of the profile: TrustAnchor= and ServerName=, or ServerPin=.", false },
	[DIAG_TUNNEL_BINDING] = { "tunnel-binding",
		"What was proved inside of the tunnel is not bound to the tunnel ({detail}).",
		"Somebody may be between this machine and the server; if the server is known to do without "
		"crypto-binding, see CryptoBinding= in the profile.", false },
	[DIAG_TUNNEL_CLOSED] = { "tunnel-closed",
		"The server closed the tunnel before it had said whether this machine is let in, in {state}.",
		"Look at the server's log for this time.", false },
	[DIAG_TUNNEL_ERROR] = { "tunnel-error",
		"The conversation inside of the tunnel ended with an error: {error}.",
		"The server's log for this time tells more. What it may ask for is in [Inner] of the profile.", false },
	[DIAG_INNER_SKIPPED] = { "inner-skipped",
		"The server wanted to let this machine in without asking it for anything inside of the tunnel.",
		"Who can read the traffic of a tunnel may do so. If this network is meant to be content with the "
		"machine's certificate, take [Inner] out of the profile.", false },

	[DIAG_PEER_CERT_MISSING] = { "peer-cert-missing",
		"The machine showed no certificate.",
		"Give it a credential; if it has one, its key type may not suit what we ask for.", false },
	[DIAG_PEER_UNTRUSTED] = { "peer-untrusted",
		"The machine's certificate {subject} was issued by {issuer}, which we do not trust for clients.",
		"If its authority is to admit machines here, add its certificate to ClientAnchors=. If we trust who "
		"certified that authority, the machine should send that certificate along.", false },
	[DIAG_PEER_CERT_EXPIRED] = { "peer-cert-expired",
		"The certificate {subject} of the machine expired on {not_after}.",
		"The machine needs a renewed certificate. If it is not that old, look at our clock, which says {now}.",
		false },
	[DIAG_PEER_CERT_NOT_YET_VALID] = { "peer-cert-not-yet-valid",
		"The certificate {subject} of the machine is valid only from {not_before}.",
		"Check our clock, which says {now}, and that of the authority.", false },
	[DIAG_PEER_CERT_USAGE] = { "peer-cert-usage",
		"The certificate {subject} is not meant for a TLS client ({detail}).",
		"The machine needs a certificate with the extended key usage clientAuth.", false },
	[DIAG_PEER_CERT_WEAK] = { "peer-cert-weak",
		"The certificate {subject} of the machine is too weak to be relied on ({detail}).",
		"The machine needs a certificate with at least RSA 2048 or P-256, signed with SHA-256 or better.",
		false },
	[DIAG_PEER_CERT_REVOKED] = { "peer-cert-revoked",
		"The certificate {subject} of the machine was revoked.",
		"If the machine is to come in again, its authority must issue it another certificate.", false },
	[DIAG_PEER_CERT_INVALID] = { "peer-cert-invalid",
		"The certificate {subject} of the machine did not pass ({detail}).",
		"Look at the certificate and its chain.", false },
	[DIAG_PEER_OCSP] = { "peer-ocsp-unusable",
		"Nobody could tell whether the certificate {subject} of the machine was revoked ({detail}).",
		"Look at the OCSP responder that the certificate names, and at the way to it.", false },
	[DIAG_PEER_SIGNATURE] = { "peer-signature-wrong",
		"The machine could not prove that the key of its certificate is its own.",
		"Its key and certificate do not belong together, or somebody uses another's certificate.", false },
	[DIAG_PEER_DENIED] = { "peer-denied",
		"Our rules do not admit the machine {subject}.",
		"If it is to come in, write or change a rule for it.", false },

	[DIAG_INNER_VERSION] = { "inner-version",
		"The machine wants version {version} of {method}, which we do not have.",
		"Set its supplicant to {method} version {ours}.", false },
	[DIAG_INNER_NOTHING] = { "inner-nothing",
		"The machine built a tunnel with {method} and sent nothing in it that proves who it is.",
		"Its supplicant has no inner method set, or none that it shares with us.", false },
	[DIAG_INNER_ANONYMOUS] = { "inner-anonymous",
		"The machine gives no name inside of its tunnel: {identity}.",
		"Its inner identity has to be an account's name; only the outer one may be anonymous.", false },
	[DIAG_INNER_METHOD] = { "inner-method-refused",
		"The machine wants to use {inner} inside of {method}, which is not allowed here.",
		"Choose another inner method at the machine, or allow this one in [Tunnel].", false },
	[DIAG_INNER_BINDING] = { "inner-binding",
		"The machine did not prove that both ends of its tunnel are the ends of the method inside: {detail}.",
		"Somebody may stand between the machine and us. If the machine is too old to know crypto-binding, it can "
		"be let in without by [Tunnel] PeapCryptoBinding=.", false },
	[DIAG_INNER_RESULT] = { "inner-refused-by-machine",
		"The machine gave up inside of its tunnel, after the method there had come to its end.",
		"Its own log tells why.", false },
	[DIAG_INNER_AVP] = { "inner-avp",
		"The machine sent something inside of its tunnel that it says we must understand, and we do not ({code}).",
		"Its supplicant uses an extension of EAP-TTLS that this server does not have.", false },
	[DIAG_INNER_ERROR] = { "inner-error",
		"The machine ended the conversation inside of its tunnel with an error: {error}.",
		"Its own log tells why; most often it was asked for an identity that it does not have.", false },
	[DIAG_ACCOUNT_UNKNOWN] = { "account-unknown",
		"There is no account {account}.",
		"Check the name at the machine, or add the account with `latchkey-authd account add`.", false },
	[DIAG_ACCOUNT_DISABLED] = { "account-disabled",
		"The account {account} is disabled.",
		"If it is to be used again, enable it.", false },
	[DIAG_ACCOUNT_UNREACHABLE] = { "account-unreachable",
		"The account {account} could not be looked up.",
		"The registry does not answer, or there is none: see [Registry] Database= and the log.", false },
	[DIAG_ACCOUNT_PASSWORD] = { "account-password-wrong",
		"The password for the account {account} is wrong ({method}).",
		"Check it at the machine. Many of these from one place are somebody who guesses.", false },
	[DIAG_ACCOUNT_NO_SECRET] = { "account-no-secret",
		"What is stored of the password of {account} cannot be used for {method}.",
		"Set the password again in a form that {method} can use, or choose another inner method.", false },
	[DIAG_ACCOUNT_GUESSED] = { "account-guessed",
		"Too many passwords were tried for the account {account} from {station}; the next is looked at in {wait} s.",
		"If it is not an attack, a machine has an old password stored and tries it again and again.", false },
	[DIAG_ACCOUNT_CHANGE] = { "account-change",
		"The machine wants to change the password of {account}, which cannot be done this way.",
		"Change it with `latchkey-authd account`.", false },
	[DIAG_ACCOUNT_PROOF] = { "account-proof",
		"The machine did not accept our proof that we know the password of {account}.",
		"Its stored password differs from ours.", false },

	[DIAG_OWN_CERT_REFUSED] = { "own-cert-refused",
		"The machine does not accept our certificate {subject} (alert {alert}).",
		"Most often it expects another name: compare the names in our certificate with what the machine is "
		"configured for. Its log tells more.", false },
	[DIAG_OWN_CERT_EXPIRED] = { "own-cert-refused-expired",
		"The machine says that our certificate {subject} has expired (ours says {not_after}).",
		"Renew the certificate. If it is still valid here, the machine's clock is wrong.", false },
	[DIAG_OWN_CERT_REVOKED] = { "own-cert-refused-revoked",
		"The machine says that our certificate {subject} was revoked.",
		"Replace the certificate, and find out who revoked it.", false },
	[DIAG_OWN_CERT_UNSUPPORTED] = { "own-cert-refused-unsupported",
		"The machine cannot use our certificate {subject} (alert {alert}).",
		"Key type, size or usage is not what the machine accepts; a server's certificate needs the extended "
		"key usage serverAuth.", false },
	[DIAG_OWN_CA_UNKNOWN] = { "own-ca-unknown",
		"The machine does not trust {issuer}, which issued our certificate {subject}.",
		"Give the machine that authority as a trust anchor, or give our credential the intermediate "
		"certificates that lead to one it has.", false },
	[DIAG_OWN_OCSP_REFUSED] = { "own-ocsp-refused",
		"The machine cannot rely on the OCSP response that we sent for our certificate {subject}.",
		"Look at our OCSP stapling: whether the responder answers, and how old its answer is.", false },

	[DIAG_CREDENTIAL_MISSING] = { "credential-missing",
		"The credential {credential} is not in the keystore ({detail}).",
		"Import it with `latchkeyctl credentials import`, or correct Credential= in the profile.", false },
	[DIAG_CREDENTIAL_AWAITED] = { "credential-awaited",
		"The credential {credential} is not there yet; the profile has it from the network.",
		"`latchkeyctl enroll --token-file FILE` takes the token that the network's operator has made; with TokenFile= "
		"or FactoryCredential= of [Enroll] it happens by itself.", false },
	[DIAG_CREDENTIAL_EXPIRED] = { "credential-expired",
		"The certificate of our own credential {credential} expired on {not_after}.",
		"Import a renewed certificate with `latchkeyctl credentials import`.", false },
	[DIAG_CREDENTIAL_NOT_YET_VALID] = { "credential-not-yet-valid",
		"The certificate of our own credential {credential} is valid only from {not_before}.",
		"Check this machine's clock, which says {now}.", false },
	[DIAG_CREDENTIAL_EXPIRING] = { "credential-expiring",
		"The certificate of our own credential {credential} expires on {not_after}.",
		"Import a renewed certificate in time with `latchkeyctl credentials import`.", true },
	[DIAG_CREDENTIAL_CHAIN] = { "credential-chain-incomplete",
		"The chain of our credential {credential} lacks the certificate of {issuer}.",
		"Import the credential again with its intermediate certificates.", true },
	[DIAG_CREDENTIAL_UNUSABLE] = { "credential-unusable",
		"The credential {credential} cannot be used: {detail}.",
		"Import it with `latchkeyctl credentials import` from files that are complete and undamaged.",
		false },
	[DIAG_KEY_MISMATCH] = { "key-mismatch",
		"Key and certificate of {credential} do not belong together.",
		"Import the two files that were made together.", false },
	[DIAG_KEY_UNREADABLE] = { "key-unreadable",
		"The private key of {credential} cannot be used: {detail}.",
		"Make the key readable for the service and for nobody else, or import it again.", false },
	[DIAG_PASSPHRASE_WRONG] = { "passphrase-wrong",
		"The passphrase for {credential} is wrong.",
		"Give the right passphrase with --passphrase-file or at the prompt.", false },

	[DIAG_KEYSTORE] = { "keystore-unusable",
		"The keystore {path} cannot be used: {detail}.",
		"It must be a directory with mode 0700 that belongs to the service's user, on a file system with "
		"room; nothing was changed.", false },

	[DIAG_EAP_SUCCESS_EARLY] = { "eap-success-early",
		"The server sent EAP-Success before {method} was complete, in {state}; it was not accepted.",
		"A server that follows a draft of RFC 9190 omits the success indication of TLS 1.3: update it, or set "
		"MaxTLS=1.2 in the profile. A switch may also let machines in that it did not authenticate. "
		"If neither does, somebody is interfering.", false },
	[DIAG_EAP_FAILURE_EARLY] = { "eap-failure-early",
		"The server refused us before a method was agreed, right after the identity {identity}.",
		"The server does not admit this identity: look at its log and at AnonymousIdentity= in the profile.",
		false },
	[DIAG_EAP_FAILURE_DURING] = { "eap-failure-during",
		"The server ended {method} with EAP-Failure and gave no reason.",
		"The server's log tells why. We had reached {state}: a server that gives up at server hello has no "
		"TLS version or cipher in common with us; one that gives up at server finished or success "
		"indication most often does not accept our certificate.", false },
	[DIAG_EAP_FAILURE_AFTER] = { "eap-failure-after-tls",
		"Both certificates were accepted, and then the server sent EAP-Failure without a reason.",
		"The server's policy refuses this machine after authentication: look at its log, at group or VLAN rules and at "
		"the account that belongs to our certificate.", false },

	[DIAG_RADIUS_SILENT] = { "radius-silent",
		"No RADIUS server answered; the last one asked was {server}.",
		"Check that the server runs, that it knows this machine's address as a client (a server does not "
		"answer others), and that no firewall is between the two.", false },
	[DIAG_RADIUS_UNSIGNED] = { "radius-unsigned",
		"A RADIUS packet from {from} has no Message-Authenticator.",
		"Without one anybody on the way can make an Accept out of a Reject (CVE-2024-3596): switch on "
		"Message-Authenticator there, or update its software.", false },
	[DIAG_RADIUS_SECRET] = { "radius-secret",
		"A RADIUS packet from {from} is not signed with the secret that we have for it.",
		"Most likely the shared secrets differ: enter the same one at both ends, and look for blanks or "
		"quotes around it.", false },
	[DIAG_RADIUS_NO_EAP] = { "radius-no-eap",
		"The Access-Request from {from} asks for something other than EAP.",
		"Let the device authenticate by 802.1X (EAP); passwords by PAP or CHAP, and addresses by MAC "
		"authentication, are not answered here.", false },
	[DIAG_RADIUS_STALE] = { "radius-stale",
		"A RADIUS request from {from} carries no Event-Timestamp of the last five minutes.",
		"Compare the clocks of both machines. If they agree, somebody may be repeating an old request.",
		false },
	[DIAG_RADSEC_NAME] = { "radsec-name-mismatch",
		"Somebody at the address of the RADIUS client {client} calls itself {names} (subject {subject}).",
		"If it is that client, write one of its names into Names= of [RadSec] in its file; if not, somebody else has "
		"its address.", false },

	[DIAG_PEER_SILENT] = { "peer-silent",
		"The machine {identity} fell silent after {rounds} rounds, in {state}; {retransmissions} repetitions of "
		"the last request brought no answer.",
		"Look at the supplicant's log for this time: it may not trust us, or have left. If only large packets get "
		"lost, lower the fragment size.", false },
	[DIAG_PEER_IDENTITY_MISSING] = { "peer-identity-missing",
		"The machine did not answer {retransmissions} repetitions of the request for its identity.",
		"Most likely no supplicant runs on it, or none with a profile for this network.", false },
	[DIAG_PEER_IDENTITY_TOO_LONG] = { "peer-identity-too-long",
		"The machine's identity has {octets} octets; a RADIUS User-Name holds 253.",
		"Give the supplicant a shorter identity.", false },
	[DIAG_PEER_IDENTITY_UNKNOWN] = { "peer-identity-unknown",
		"No rule here is for the identity {identity}.",
		"Add its realm to Realm= of [Eap], or correct the identity in the supplicant's profile.", false },
	[DIAG_PEER_REFUSED_METHODS] = { "peer-refused-methods",
		"The machine {identity} wants EAP method {wanted}; we offer {offered}.",
		"Configure one of {offered} in the supplicant; if the machine is to be enrolled, see [Enroll] Enabled= here.", false },
	[DIAG_PEER_TOO_MANY_ROUNDS] = { "peer-too-many-rounds",
		"The conversation with the machine {identity} did not come to an end within {rounds} rounds.",
		"Somebody may be wasting our time; a very long chain of certificates needs larger fragments.", false },
	[DIAG_PEER_NOT_ADMITTED] = { "peer-not-admitted",
		"The machine {identity} proved who it is, but the rules here do not admit it.",
		"If it should be admitted, change the rules.", false },
	[DIAG_AAA_SILENT] = { "aaa-silent",
		"The RADIUS server did not answer for the machine {identity}.",
		"Check that the server runs, can be reached, and knows this authenticator with the same secret.", false },
	[DIAG_AAA_REFUSED] = { "aaa-refused",
		"The RADIUS server refused the machine {identity} after {rounds} rounds.",
		"The server's log tells why.", false },
	[DIAG_AAA_REQUEST_UNUSABLE] = { "aaa-request-unusable",
		"The RADIUS server sent {octets} octets as an EAP Request that cannot be passed on: {detail}.",
		"If it is too large, let the server heed Framed-MTU, or lower its fragment size.", false },

	[DIAG_ENROL_MALFORMED] = { "enroll-malformed",
		"The enrollment ended over a message that is not valid, as {by} found: {detail}.",
		"One of the two programs is at fault, or they speak different drafts: compare their versions.", false },
	[DIAG_ENROL_UNEXPECTED] = { "enroll-unexpected",
		"The enrollment ended over a message that does not belong there, as {by} found: {detail}.",
		"One of the two programs is at fault, or they speak different drafts: compare their versions.", false },
	[DIAG_ENROL_VERSION] = { "enroll-version",
		"We and the other side have no version of the enrollment method in common, as {by} found: {detail}.",
		"Update the older of the two.", false },
	[DIAG_ENROL_NO_PROTOCOL] = { "enroll-protocol",
		"We and the other side have no provisioning protocol in common, as {by} found: {detail}.",
		"Let Protocols= of [Enroll] in the machine's profile, and on the server, have one in common.", false },
	[DIAG_ENROL_TOKEN_MISSING] = { "enroll-token-missing",
		"The machine showed nothing that authorizes its enrollment, as {by} found: {detail}.",
		"Give it a token (`latchkey-authd token create` makes one), or a factory certificate that the server trusts.",
		false },
	[DIAG_ENROL_TOKEN_REFUSED] = { "enroll-token-refused",
		"The token, or what else the machine showed to be enrolled, was not accepted by {by}: {detail}.",
		"The server's log tells which it is, `latchkey-authd token list` what became of each token, and "
		"`latchkey-authd token create` makes another.", false },
	[DIAG_ENROL_PROOF] = { "enroll-proof",
		"A proof or a signature in the enrollment is wrong, as {by} found: {detail}.",
		"If it is that of a token, it was most likely not copied whole. If the token is right, or it is that of a "
		"request, somebody may be passing on what belongs to another connection (revoke the token then), or one of "
		"the two programs is at fault.", false },
	[DIAG_ENROL_ACTION_REFUSED] = { "enroll-action-refused",
		"What was to be done with a credential was refused by the policy of {by}: {detail}.",
		"Its log tells more. If it should be allowed: Actions= of [Enroll], the certificate profile and the rules on "
		"the server; [Enroll] in the profile on the machine, and what it asks for there.", false },
	[DIAG_ENROL_UNKNOWN_CREDENTIAL] = { "enroll-credential-unknown",
		"The credential that was to be renewed or removed is not known, as {by} found: {detail}.",
		"Enroll the machine anew.", false },
	[DIAG_ENROL_PARAMETERS] = { "enroll-parameters",
		"Kind, length or algorithm of the new key or secret cannot be met, as {by} found: {detail}.",
		"Compare Key= of [Enroll] in the machine's profile with what the server's certificate profile takes.", false },
	[DIAG_ENROL_KEY_GENERATION] = { "enroll-key",
		"No new key could be made, as {by} found: {detail}.",
		"Look at the keystore of the machine, or at the token or TPM that is to hold the key.", false },
	[DIAG_ENROL_CA_REFUSED] = { "enroll-ca-refused",
		"The certification authority refused the request, as {by} found: {detail}.",
		"Compare the names and the key that were asked for with the certificate profile; the server's audit trail tells "
		"which it was.", false },
	[DIAG_ENROL_NOT_ACCEPTABLE] = { "enroll-not-acceptable",
		"The new credential was not accepted by the machine, as {by} found: {detail}.",
		"Nothing was installed. If the names, dates and issuer in it are right, correct [Enroll] in the machine's "
		"profile; if not, the server's authority.", false },
	[DIAG_ENROL_STORAGE] = { "enroll-storage",
		"The new credential could not be stored, as {by} found: {detail}.",
		"Look at the file system of the keystore: room, mode, and whether it can be written. What was there before is "
		"unchanged.", false },
	[DIAG_ENROL_VALIDATION] = { "enroll-validation",
		"The machine could not prove that it holds the new credential, as {by} found: {detail}.",
		"Nothing was activated; let it enroll again.", false },
	[DIAG_ENROL_LIMIT] = { "enroll-limit",
		"The enrollment passed a limit, as {by} found: {detail}.",
		"Somebody may be wasting our time. A CA that answers slowly, or very long chains, need larger limits in "
		"[Enroll].", false },
	[DIAG_ENROL_INTERNAL] = { "enroll-internal",
		"The enrollment could not go on for a fault of {by}: {detail}.",
		"Look at the log there; most often memory, disk or database are at fault.", false },
	[DIAG_ENROL_NOT_OFFERED] = { "enroll-not-offered",
		"This network does not enroll machines by {allowed}: the server offered EAP method {offered}.",
		"On the server, [Enroll] Enabled= has to be yes, and Tunnels= has to have the Tunnel= of this profile; "
		"EapType= has to be the same at both ends.", false },
	[DIAG_ENROL_OTHER_NETWORK] = { "enroll-other-network",
		"The server {subject} is not of the network that made the token: no key in its chain has the token's pin.",
		"The token is of another network, or this network's root was replaced since: get a new token from its "
		"operator. If nothing was replaced, somebody else's server answers on this port.", false },
	[DIAG_ENROL_NOTHING_DONE] = { "enroll-nothing-done",
		"The server ended the enrollment without having done what was asked for: {detail}.",
		"Its log tells why. It may not allow this, or not see a need.", false },
	[DIAG_ENROLLED] = { "enrolled",
		"The machine was given a credential just now, and is to come back with it.",
		"Nothing: it does so by itself, at once.", false },

	[DIAG_ENROL_NO_MEANS] = { "enroll-no-token",
		"The credential {credential} is not there yet, and there is nothing to enroll with: {detail}.",
		"`latchkeyctl enroll --token-file FILE` takes a token that the network's operator has made; or let TokenFile= "
		"of [Enroll] name a file with one.", false },
	[DIAG_RENEWAL_FAILED] = { "renewal-failed",
		"The port is open, but the certificate of {credential}, which expires on {not_after}, could not be renewed: "
		"{detail}.",
		"It is tried again on {retry} and from then on. `latchkeyctl renew` tries it now.", true },
	[DIAG_RENEWAL_FELL_BACK] = { "renewal-fell-back",
		"The renewed certificate of {credential} (generation {refused}) did not open the port: {detail}. "
		"The one before it is in use again, and expires on {not_after}.",
		"The server has issued it and does not let it in: compare its rules with what it issues. The renewal is tried "
		"again on {retry}.", true },
	[DIAG_ANCHORS_EXPIRING] = { "anchors-expiring",
		"The last authority that {credential} trusts for this network expires on {not_after}.",
		"The network's operator has to make a new one, which comes with the next renewal: `latchkeyctl renew`.", true },

	[DIAG_NAS_NOT_ASKED] = { "nas-not-asked",
		"The session is one of the RADIUS client {client}, which cannot be asked to end it: {detail}.",
		"End it at the switch itself. A switch that listens for Disconnect (RFC 5176, UDP port 3799) is asked when its "
		"address is among those of its file in clients.d.", false },

	[DIAG_CONFIG] = { "config-wrong",
		"The configuration cannot be used: {detail}.",
		"Correct it; when `latchkeyctl check`, or `latchkey-authd check` where that is what complains, finds nothing "
		"more, reload the service.", false },
	[DIAG_NO_PROFILE] = { "no-profile",
		"No profile matches the interface {interface}.",
		"If this port asks for 802.1X, write a profile for it, see latchkey-profile(5); `latchkeyctl profiles` "
		"shows those there are, `latchkeyctl check` all that is wrong with them.", false },
	[DIAG_DISCONNECTED] = { "disconnected",
		"Authentication waits for a request: somebody disconnected the port, or the profile says "
		"AutoConnect=no.",
		"`latchkeyctl connect` starts it.", false },
	[DIAG_INTERNAL] = { "internal-error",
		"This machine could not go on: {detail}.",
		"This is likely a lack of memory, or a fault in Latchkey: please report it with the log.", false },
	[DIAG_REGISTRY] = { "registry",
		"What the server keeps on disk or in its database cannot be used: {detail}.",
		"See the [Registry] section of latchkey-authd.conf, the disk, and whether the database runs.", false },

	[DIAG_PORT_NOT_GUARDED] = { "port-not-guarded",
		"{interface} cannot be guarded, or not as it should be: {detail}.",
		"The port lets nobody in whom it did not let in before. Guarding needs CAP_NET_ADMIN and a kernel "
		"with nftables for network devices at ingress and egress (Linux 5.16, CONFIG_NETFILTER_EGRESS).",
		false },
	[DIAG_VLAN_NOT_SET] = { "vlan-not-set",
		"{interface} cannot be put into VLAN {vlan}: {detail}.",
		"Put the port into a bridge that filters by VLAN; or make the bridge that BridgeTemplate= of the port names for "
		"this VLAN, or say CreateBridges=yes.", false },

	[DIAG_TOKEN_TEXT] = { "token-text",
		"This is not an enrollment token as it was given out: {detail}.",
		"Type it again as it stands there, from LK1 to its end; blanks, hyphens and capital letters do not "
		"matter. A digit zero and a letter O are the same.", false },
	[DIAG_REQUEST_MALFORMED] = { "request-malformed",
		"The request for a certificate cannot be used: {detail}.",
		"Look at the program that made it.", false },
	[DIAG_NAME_REFUSED] = { "name-refused",
		"A machine asked for a certificate with the name {name}, which it may not have ({detail}).",
		"If it is to have it, allow the name in the certificate profile {profile}, or in the token.", false },
	[DIAG_KEY_REFUSED] = { "key-refused",
		"A machine asked for a certificate for a key of type {key}, which profile {profile} does not take.",
		"Let the machine make another key, or allow this type by KeyTypes= in the profile.", false },
	[DIAG_AUTHORITY] = { "authority",
		"Our own authority cannot issue: {detail}.",
		"See the [Authority] section of latchkey-authd.conf and `latchkey-authd ca show`.", false },
	[DIAG_AUTHORITY_EXPIRING] = { "authority-expiring",
		"The certificate {subject} of our own authority ends on {not_after}, and nothing that it issues is "
		"valid for longer.",
		"Run `latchkey-authd ca rollover` well before that, so that every machine hears of the new one in "
		"time.", true },
	[DIAG_AUTHORITY_OVERLAP] = { "authority-overlap",
		"The old authority {subject} is trusted until {until} only; who still has a certificate by it does "
		"not get in afterwards.",
		"Let those machines renew before (`latchkey-authd machine list` tells), or lengthen Overlap= in "
		"[Authority].", true },
	[DIAG_REVOCATION_UNKNOWN] = { "revocation-unknown",
		"Nobody could tell yet which certificates of our own authority were revoked.",
		"The list is in the registry: see whether the database runs. Until it was read once nobody is let in "
		"by such a certificate.", false },
	[DIAG_CA_UNREACHABLE] = { "ca-unreachable",
		"The certification authority at {url} gave no answer that could be used: {detail}.",
		"Look whether it runs, whether the address in [Authority] is right, and what its own log says. Machines "
		"that were to get a certificate try again by themselves.", false },

	[DIAG_REDUCED_NO_SERVER_CHECK] = { "reduced-no-server-check",
		"The port is open, but the server was not checked: InsecureNoServerCheck=yes.",
		"Anybody can pretend to be this network. Give the profile a TrustAnchor= and a ServerName=.", true },
	[DIAG_REDUCED_OLD_TLS] = { "reduced-old-tls",
		"The port is open, but over {tls}, which is no longer considered safe.",
		"Bring the server to TLS 1.2 or 1.3 and take MinTLS= out of the profile.", true },
	[DIAG_REDUCED_CLOCK] = { "reduced-clock",
		"The port is open, but dates could not be checked properly: this machine's clock says {now}, which is "
		"before this program was built ({built}).",
		"Set the clock; the next authentication checks dates again.", true },
};
/* clang-format on */

const struct diagnosis_text *diagnosis_text(enum diagnosis_id id)
{
	return &texts[id < DIAG_COUNT ? id : DIAG_INTERNAL];
}

bool diagnosis_by_name(const char *name, enum diagnosis_id *ret_id)
{
	for (int i = 0; i < DIAG_COUNT; i++) {
		if (strcmp(texts[i].name, name) != 0)
			continue;
		*ret_id = (enum diagnosis_id)i;
		return true;
	}
	return false;
}

void diagnosis_set(struct diagnosis *d, enum diagnosis_id id)
{
	d->id = id;
	d->when = 0;
	d->evidence_count = 0;
}

/* Where the nth value begins; with evidence_count, where the room does. */
static size_t offset(const struct diagnosis *d, size_t n)
{
	size_t at = 0;

	while (n-- > 0)
		at += strlen(d->text + at) + 1;
	return at;
}

static bool find(const struct diagnosis *d, const char *key, size_t *ret_n)
{
	for (size_t n = 0; n < d->evidence_count; n++) {
		if (strcmp(d->key[n], key) != 0)
			continue;
		*ret_n = n;
		return true;
	}
	return false;
}

static void drop(struct diagnosis *d, size_t n)
{
	size_t at = offset(d, n), after = offset(d, n + 1);

	memmove(d->text + at, d->text + after, offset(d, d->evidence_count) - after);
	d->evidence_count--;
	for (; n < d->evidence_count; n++)
		d->key[n] = d->key[n + 1];
}

static void add(struct diagnosis *d, const char *key, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void add(struct diagnosis *d, const char *key, const char *format, va_list args)
{
	char text[4 * DIAGNOSIS_VALUE_MAX], value[DIAGNOSIS_VALUE_MAX];
	size_t n, at;

	vsnprintf(text, sizeof text, format, args);
	printable(slice_str(text), value, sizeof value);
	/* A log quotes the sentence that this becomes a part of. */
	for (char *quote = value; (quote = strchr(quote, '"'));)
		*quote = '\'';
	if (find(d, key, &n))
		drop(d, n);
	at = offset(d, d->evidence_count);
	if (d->evidence_count == DIAGNOSIS_EVIDENCE_MAX || at == sizeof d->text)
		return;
	printable(slice_str(value), d->text + at, sizeof d->text - at);
	d->key[d->evidence_count++] = key;
}

void diagnosis_add(struct diagnosis *d, const char *key, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(d, key, format, args);
	va_end(args);
}

void diagnosis_vsay(struct diagnosis *d, enum diagnosis_id id, const char *format, va_list args)
{
	diagnosis_set(d, id);
	add(d, "detail", format, args);
}

void diagnosis_say(struct diagnosis *d, enum diagnosis_id id, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diagnosis_vsay(d, id, format, args);
	va_end(args);
}

void diagnosis_add_time(struct diagnosis *d, const char *key, int64_t when)
{
	char text[32];

	diagnosis_add(d, key, "%s", rfc3339(when, text, sizeof text));
}

const char *diagnosis_value(const struct diagnosis *d, size_t n)
{
	return d->text + offset(d, n);
}

const char *diagnosis_evidence(const struct diagnosis *d, const char *key)
{
	size_t n;

	return find(d, key, &n) ? diagnosis_value(d, n) : NULL;
}

bool diagnosis_same(const struct diagnosis *a, const struct diagnosis *b)
{
	if (a->id != b->id || a->when != b->when || a->evidence_count != b->evidence_count)
		return false;
	for (size_t n = 0; n < a->evidence_count; n++) {
		if (strcmp(a->key[n], b->key[n]) != 0)
			return false;
	}

	size_t len = offset(a, a->evidence_count);

	return len == offset(b, b->evidence_count) && memcmp(a->text, b->text, len) == 0;
}

/* The evidence that the brace at `at` asks for, and where the text goes on. */
static const char *placeholder(const struct diagnosis *d, const char *at, const char **ret_after)
{
	for (size_t i = 0; i < d->evidence_count; i++) {
		size_t n = strlen(d->key[i]);

		if (strncmp(at + 1, d->key[i], n) == 0 && at[1 + n] == '}') {
			*ret_after = at + n + 2;
			return diagnosis_value(d, i);
		}
	}

	const char *close = strchr(at, '}');

	*ret_after = close ? close + 1 : at + strlen(at);
	return "…";
}

static const char *fill_in(const struct diagnosis *d, const char *at, char *buffer, size_t size)
{
	struct wr w = wr_of(buffer, size - 1);

	while (*at && wr_ok(&w)) {
		if (*at == '{') {
			const char *value = placeholder(d, at, &at);
			size_t len = strlen(value);

			wr_bytes(&w, slice_of(value, len));
			/* Some values are sentences, and need no second full stop. */
			if (*at == '.' && len > 0 && strchr(".?", value[len - 1]))
				at++;
		} else {
			size_t run = strcspn(at, "{");

			wr_bytes(&w, slice_of(at, run));
			at += run;
		}
	}
	buffer[w.len] = '\0';
	return buffer;
}

const char *diagnosis_sentence(const struct diagnosis *d, char *buffer, size_t size)
{
	return fill_in(d, diagnosis_text(d->id)->cause, buffer, size);
}

const char *diagnosis_next(const struct diagnosis *d, char *buffer, size_t size)
{
	return fill_in(d, diagnosis_text(d->id)->next, buffer, size);
}

const char *rfc3339(int64_t when, char *buffer, size_t size)
{
	time_t t = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(buffer, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(buffer, size, "@%lld", (long long)when);
	return buffer;
}

/* The length of the UTF-8 character that begins here; 0 if none does (RFC 3629, section 4). */
static size_t utf8_length(struct slice s)
{
	static const struct {
		uint8_t mask, lead;
		size_t len;
		uint32_t least;
	} forms[] = { { 0xe0, 0xc0, 2, 0x80 },
		      { 0xf0, 0xe0, 3, 0x800 },
		      { 0xf8, 0xf0, 4, 0x10000 } };

	for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
		if ((s.p[0] & forms[f].mask) != forms[f].lead || s.len < forms[f].len)
			continue;

		uint32_t c = s.p[0] & (uint8_t)~forms[f].mask;

		for (size_t i = 1; i < forms[f].len; i++) {
			if ((s.p[i] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (s.p[i] & 0x3f);
		}
		/* C1 controls, surrogates, and characters that reorder what is around them, can
		 * make a line lie. */
		if (c < forms[f].least || c < 0xa0 || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff ||
		    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		    (c >= 0x2066 && c <= 0x2069) || c == 0xfeff)
			return 0;
		return forms[f].len;
	}
	return 0;
}

const char *printable(struct slice text, char *buffer, size_t size)
{
	size_t out = 0;

	while (text.len > 0) {
		bool ascii = text.p[0] >= 0x20 && text.p[0] < 0x7f;
		size_t n = ascii ? 1 : utf8_length(text);

		if (out + (n ? n : 1) >= size)
			break;
		if (n > 0)
			memcpy(buffer + out, text.p, n);
		else
			buffer[out] = '?';
		out += n ? n : 1;
		text = slice_of(text.p + (n ? n : 1), text.len - (n ? n : 1));
	}
	buffer[out] = '\0';
	return buffer;
}
