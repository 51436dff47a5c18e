#include "authd/command.h"

#include <stddef.h>

const struct command commands[] = {
	{ "run", "", "serve, in the foreground, logging to standard error",
	  "What is done without any command.", command_run },
	{ "check", "", "say what a start would find wrong, and start nothing",
	  "All files are read, the credential is opened, certificates are looked at, and what is "
	  "around: directories that are to be written to, groups, addresses, interfaces. Every "
	  "error is told; a note is about what can be meant and seldom is. When root does it, "
	  "the installed configuration is looked at as the user of the service would see it.",
	  command_check },
	{ "status", "", "show how the service is",
	  "With its version, how long it runs, sessions, until when its certificate is good, and "
	  "whether its database is there.",
	  command_look },
	{ "sessions", "", "list the machines that are let in",
	  "Each with who it is, its address, where it is, its VLAN, for how long, and the name of "
	  "the session, which `disconnect` and `reauth` take.",
	  command_look },
	{ "clients", "", "list the RADIUS clients, with what they have asked",
	  "DROPPED counts what was not answered: above all packets with a wrong secret.",
	  command_look },
	{ "servers", "", "list the RADIUS servers that are asked",
	  "Each once for authentication and once for accounting, and whether it is alive.",
	  command_look },
	{ "ports", "", "list the ports that are guarded", "With who is let in there.",
	  command_look },
	{ "workers", "", "list the threads that do the work", "", command_look },
	{ "counters", "", "show what was counted",
	  "The same as the metrics: see `[Metrics]` in latchkey-authd.conf(5).", command_look },
	{ "machines", "[LIMIT]", "list the machines that were ever let in",
	  "From the registry, the last seen first; 100 unless LIMIT says how many.",
	  command_recorded },
	{ "token", "[WORD...]", "make and look after enrollment tokens",
	  "`create` makes one and shows it, once, as text and in a terminal as a QR code. After it "
	  "may stand `uses=` (how many machines may be enrolled with it, 1 unless it is given), "
	  "`lifetime=` (such as `12h`; `7d` unless it is given), `profile=` (the certificate "
	  "profile), `note=` (for people), and whom it is for: `mac=` (the hardware address, "
	  "which anybody can claim), `serial=` (the serialNumber of the factory certificate that "
	  "has to be shown as well), `name=` (the common name of the certificate, whatever the "
	  "machine asks for). `list` shows all, without what is secret. `revoke TOKEN` makes one "
	  "useless; what it has brought stays good.",
	  command_enroll },
	{ "machine", "[WORD...]", "look after machines and what they were given",
	  "`show MACHINE` shows one with its credentials; it is named as it is listed, or by its "
	  "common name alone. `revoke MACHINE` revokes all that it has, also at the authority "
	  "behind, and ends its sessions at once: at ports of ours, and by a Disconnect-Request "
	  "behind switches. `reason=` may "
	  "follow: `key-compromise`, `superseded`, `cessation-of-operation`, "
	  "`affiliation-changed`, `privilege-withdrawn`. `renew MACHINE` notes that it is to have "
	  "another certificate, and has it authenticate anew; it is asked for it then, or when it "
	  "comes back, and decides itself.",
	  command_enroll },
	{ "account", "[WORD...]", "look after accounts with passwords",
	  "For methods inside of tunnels. `add NAME` asks for the password, or reads it from "
	  "standard input, as `password NAME` does for another one; `remove NAME` also ends its "
	  "sessions. What is kept is a hash of "
	  "scrypt, with which PAP and EAP-GTC work. `store=nt-hash` keeps what MS-CHAP needs "
	  "besides, which whoever reads the database can use as if it were the password; "
	  "`store=clear-text` the password itself, which CHAP needs.",
	  command_enroll },
	{ "disconnect", "TARGET", "end the session of this name, or those of a MAC address",
	  "At a port of ours it ends at once. Of a RADIUS client it is asked for by a "
	  "Disconnect-Request, to UDP port 3799 of the switch.",
	  command_act },
	{ "reauth", "TARGET", "the same, but have them authenticate anew",
	  "The machine stays on the network meanwhile.", command_act },
	{ "reload", "", "read the configuration anew",
	  "As `systemctl reload latchkey-authd` does. It waits, and fails with the reason when "
	  "there is an error in the new one; the old one then stays.",
	  command_reload },
	{ "ca", "[WORD...]", "make and look after our own authority",
	  "`init` makes a root, an authority below it that issues certificates for machines, and a "
	  "certificate of this server, all in the keystore, and says what to do next; it refuses "
	  "when there is any of them. `show`, which is what is done without a word, lists them "
	  "with "
	  "their pins. `export` writes the root certificates that machines are to trust as PEM, or "
	  "with the word `chain` those below them. `rollover` makes a new root and issuing "
	  "authority "
	  "while the old ones stay good for a time, `renew-server` another certificate of this "
	  "server. After them may stand `name=` (of the organisation), `server=` (the DNS name "
	  "of this server), `key=` (the kind of new keys, `P-256` unless it is given), `root-key=` "
	  "and "
	  "`issuing-key=` (URIs such as `pkcs11:` of keys that live elsewhere). The service need "
	  "not run.",
	  command_ca },
	{ "audit", "[LIMIT|verify]", "show the audit trail, or find out if it is whole",
	  "The newest entry first; 100 unless LIMIT says how many. Each entry is chained to the "
	  "one before by a digest, so that `verify` tells if one was changed or taken out.",
	  command_recorded },
	{ NULL, NULL, NULL, NULL, NULL },
};
