//go:build e2e

package signature_test

import (
	"bytes"
	"slices"
	"strings"
)

// pgpCase is one commit and one ring of keys, gpg's words for the signature, and what is
// expected here. Where git accepts what is refused here, it says why.
type pgpCase struct {
	name, gpg string
	here      bool
	stricter  string
	make      func(*gnupg) (ring, raw []byte)
}

// signed is a ring of one key, and the commit signed as the flags say.
func (g *gnupg) signed(key string, flags ...string) (ring, raw []byte) {
	return g.ring(key), commit(g.sign(flags...))
}

func pgpCases() []pgpCase {
	return slices.Concat(pgpKeys(), pgpTimes(), pgpRevoked(), pgpSignatures(), pgpArmours(), pgpCrafted())
}

// pgpKeys are the kinds of keys.
func pgpKeys() []pgpCase {
	of := func(name, algorithm string) func(*gnupg) ([]byte, []byte) {
		return func(g *gnupg) ([]byte, []byte) {
			key := g.key(name, algorithm, "sign,cert", "never")
			return g.signed(key, by(key)...)
		}
	}
	return []pgpCase{
		{name: "an RSA key", gpg: "GOODSIG VALIDSIG", here: true, make: of("rsa", "rsa3072")},
		{name: "an ed25519 key", gpg: "GOODSIG VALIDSIG", here: true, make: of("ed", "ed25519")},
		{name: "a NIST P-256 key", gpg: "GOODSIG VALIDSIG", here: true, make: of("nist", "nistp256")},
		{name: "a short RSA key", gpg: "GOODSIG VALIDSIG", stricter: "1024 bits can be factored", make: of("short", "rsa1024")},
		{name: "a DSA key", gpg: "GOODSIG VALIDSIG", stricter: "DSA is withdrawn (RFC 9580)", make: of("dsa", "dsa2048")},
		{name: "a signing subkey", gpg: "GOODSIG VALIDSIG", here: true, make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("sub", "ed25519", "cert", "never")
			return g.signed(key, by(g.subkey(key, "rsa2048", "sign", "never"))...)
		}},
		{name: "the key itself, that has a signing subkey, too", gpg: "GOODSIG VALIDSIG", here: true, make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("both", "ed25519", "sign,cert", "never")
			g.subkey(key, "ed25519", "sign", "never")
			return g.signed(key, by(key)...)
		}},
		{name: "a key outside the ring", gpg: "ERRSIG", make: func(g *gnupg) ([]byte, []byte) {
			key, stranger := g.key("mine", "ed25519", "sign,cert", "never"), g.key("stranger", "ed25519", "sign,cert", "never")
			return g.ring(key), commit(g.sign(by(stranger)...))
		}},
		{name: "the second key of a ring", gpg: "GOODSIG VALIDSIG", here: true, make: func(g *gnupg) ([]byte, []byte) {
			return g.ring("mine", "stranger"), commit(g.sign("--local-user", "stranger"))
		}},
		{name: "the key of a second armour in the file", gpg: "GOODSIG VALIDSIG", here: true, make: func(g *gnupg) ([]byte, []byte) {
			ring := append(g.run("", "--armor", "--export", "mine"), g.run("", "--armor", "--export", "stranger")...)
			return ring, commit(g.sign("--local-user", "stranger"))
		}},
		{name: "a key, one of whose two names is revoked", gpg: "GOODSIG VALIDSIG", here: true, make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("renamed", "ed25519", "sign,cert", "never")
			g.run("", "--quick-add-uid", key, "other <other@example.org>")
			g.run("", "--quick-revoke-uid", key, "renamed <renamed@example.org>")
			return g.signed(key, by(key)...)
		}},
	}
}

// pgpTimes are keys and signatures that are too old or too new.
func pgpTimes() []pgpCase {
	return []pgpCase{
		{name: "an expired key", gpg: "EXPKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("old", "ed25519", "sign,cert", "30d", at("20240101"))
			return g.signed(key, append(by(key), at("20240102"))...)
		}},
		{name: "an expired subkey", gpg: "EXPKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("oldsub", "ed25519", "cert", "never", at("20240101"))
			sub := g.subkey(key, "ed25519", "sign", "30d", at("20240101"))
			return g.signed(key, append(by(sub), at("20240102"))...)
		}},
		{name: "a subkey of an expired key", gpg: "EXPKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("oldmain", "ed25519", "cert", "30d", at("20240101"))
			sub := g.subkey(key, "ed25519", "sign", "never", at("20240101"))
			return g.signed(key, append(by(sub), at("20240102"))...)
		}},
		{name: "a key whose end was moved into the past", gpg: "EXPKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("shortened", "ed25519", "sign,cert", "never", at("20240101"))
			sig := g.sign(append(by(key), at("20240102"))...)
			g.run("", at("20240103"), "--quick-set-expire", key, "30d")
			return g.ring(key), commit(sig)
		}},
		{name: "a key whose end was moved into the future", gpg: "GOODSIG VALIDSIG", here: true, make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("prolonged", "ed25519", "sign,cert", "30d", at("20240101"))
			g.run("", at("20240102"), "--quick-set-expire", key, "never")
			return g.signed(key, by(key)...)
		}},
		{name: "an expired key with a newer second name", gpg: "EXPKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("two", "ed25519", "sign,cert", "30d", at("20240101"))
			g.run("", at("20240102"), "--quick-add-uid", key, "too <too@example.org>")
			return g.signed(key, append(by(key), at("20240103"))...)
		}},
		{name: "an expired signature", gpg: "EXPSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("lasting", "ed25519", "sign,cert", "never", at("20240101"))
			return g.signed(key, append(by(key), at("20240102"), "--default-sig-expire", "1d")...)
		}},
		{name: "a signature that is older than its key", gpg: "ERRSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("young", "ed25519", "sign,cert", "never", at("20240201"))
			return g.signed(key, append(by(key), at("20240102"), "--ignore-time-conflict", "--ignore-valid-from")...)
		}},
		{name: "a signature of the future", gpg: "GOODSIG VALIDSIG", stricter: "a clock or a signer is wrong", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("early", "ed25519", "sign,cert", "never", at("20240101"))
			return g.signed(key, append(by(key), at("20500101"))...)
		}},
		{name: "a key of the future", gpg: "ERRSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("unborn", "ed25519", "sign,cert", "never", at("20500101"))
			return g.signed(key, append(by(key), at("20500102"))...)
		}},
	}
}

// pgpRevoked are keys that were taken back.
func pgpRevoked() []pgpCase {
	// revoked is a key that signed before it was revoked, for a reason.
	revoked := func(name, reason string) func(*gnupg) ([]byte, []byte) {
		return func(g *gnupg) ([]byte, []byte) {
			key := g.key(name, "ed25519", "sign,cert", "never", at("20240101"))
			sig := g.sign(append(by(key), at("20240102"))...)
			g.run(string(g.revocation(key, reason)), "--import")
			return g.ring(key), commit(sig)
		}
	}
	// certified is the file of a key, and behind it a certificate that revokes the key.
	certified := func(name string, armored bool) func(*gnupg) ([]byte, []byte) {
		return func(g *gnupg) ([]byte, []byte) {
			key := g.key(name, "ed25519", "sign,cert", "never")
			ring, certificate := g.ring(key), g.revocation(key, "1")
			if armored {
				return append(g.run("", "--armor", "--export", key), certificate...), commit(g.sign(by(key)...))
			}
			return append(ring, unwrap(g.t, string(certificate))...), commit(g.sign(by(key)...))
		}
	}
	return []pgpCase{
		{name: "a key that was compromised", gpg: "REVKEYSIG VALIDSIG", make: revoked("stolen", "1")},
		{name: "a key that was superseded later", gpg: "REVKEYSIG VALIDSIG", make: revoked("superseded", "2")},
		{name: "a key that was revoked for no reason", gpg: "REVKEYSIG VALIDSIG", make: revoked("gone", "0")},
		{name: "a revoked subkey", gpg: "REVKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("revsub", "ed25519", "cert", "never")
			sig := g.sign(by(g.subkey(key, "ed25519", "sign", "never"))...)
			g.edit("key 1,revkey,y,1,,y,save", "--edit-key", key)
			return g.ring(key), commit(sig)
		}},
		{name: "a subkey of a revoked key", gpg: "REVKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("revmain", "ed25519", "cert", "never")
			sig := g.sign(by(g.subkey(key, "ed25519", "sign", "never"))...)
			g.run(string(g.revocation(key, "1")), "--import")
			return g.ring(key), commit(sig)
		}},
		{name: "a key, in whose file a certificate that revokes it comes behind", gpg: "REVKEYSIG VALIDSIG", make: certified("certified", false)},
		{name: "a key, in whose file a certificate that revokes it comes behind, in armour", gpg: "REVKEYSIG VALIDSIG", make: certified("armoured", true)},
		{name: "a key that is in the file twice, the second time revoked", gpg: "REVKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("twice", "ed25519", "sign,cert", "never")
			ring, sig := g.ring(key), g.sign(by(key)...)
			g.run(string(g.revocation(key, "1")), "--import")
			return append(ring, g.ring(key)...), commit(sig)
		}},
		{name: "a key that is in the file twice, the second time expired", gpg: "EXPKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("again", "ed25519", "sign,cert", "never", at("20240101"))
			ring, sig := g.ring(key), g.sign(append(by(key), at("20240102"))...)
			g.run("", at("20240103"), "--quick-set-expire", key, "30d")
			return append(ring, g.ring(key)...), commit(sig)
		}},
		{name: "a key whose revocation was signed over a RIPEMD-160 sum", gpg: "REVKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("ripped", "rsa2048", "sign,cert", "never")
			sig := g.sign(by(key)...)
			g.run(string(g.revocation(key, "1", "--cert-digest-algo", "RIPEMD160")), "--import")
			return g.ring(key), commit(sig)
		}},
		{name: "a key that was revoked, and then made good for longer", gpg: "REVKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key := g.key("undead", "ed25519", "sign,cert", "never")
			sig, ring := g.sign(by(key)...), g.revocation(key, "2")
			g.run("", "--quick-set-expire", key, "2y")
			g.run(string(ring), "--import")
			return g.ring(key), commit(sig)
		}},
		{name: "a key that another one, named for that, revoked", gpg: "REVKEYSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			key, other := g.key("ward", "ed25519", "sign,cert", "never"), g.key("guardian", "ed25519", "sign,cert", "never")
			g.edit("addrevoker,"+other+",y,save", "--edit-key", key)
			sig := g.sign(by(key)...)
			g.run(string(g.edit("y,1,,y", "--local-user", other, "--desig-revoke", key)), "--import")
			return append(g.ring(other), g.ring(key)...), commit(sig)
		}},
	}
}

// pgpSignatures are ways to sign.
func pgpSignatures() []pgpCase {
	with := func(name string, flags ...string) func(*gnupg) ([]byte, []byte) {
		return func(g *gnupg) ([]byte, []byte) {
			key := g.key(name, "rsa2048", "sign,cert", "never")
			return g.signed(key, append(by(key), flags...)...)
		}
	}
	return []pgpCase{
		{name: "a SHA-1 sum", gpg: "GOODSIG VALIDSIG", stricter: "it can be forged", make: with("sha1", "--digest-algo", "SHA1")},
		{name: "a RIPEMD-160 sum", gpg: "GOODSIG VALIDSIG", stricter: "it is as short as SHA-1", make: with("ripemd", "--digest-algo", "RIPEMD160")},
		{name: "a SHA-224 sum", gpg: "GOODSIG VALIDSIG", stricter: "nobody needs it", make: with("sha224", "--digest-algo", "SHA224")},
		{name: "a SHA-384 sum", gpg: "GOODSIG VALIDSIG", here: true, make: with("sha384", "--digest-algo", "SHA384")},
		{name: "text mode", gpg: "GOODSIG VALIDSIG", here: true, make: with("text", "--textmode")},
		{name: "a notation that nobody knows, and that has to be known", gpg: "BADSIG", make: with("notation", "--sig-notation", "!a@example.org=b")},
		{name: "a notation that nobody knows", gpg: "GOODSIG VALIDSIG", here: true, make: with("noted", "--sig-notation", "a@example.org=b")},
		{name: "a changed commit", gpg: "BADSIG", make: func(g *gnupg) ([]byte, []byte) {
			ring, raw := with("changed")(g)
			return ring, bytes.Replace(raw, []byte("active: standby"), []byte("active: main"), 1)
		}},
		{name: "another line end in text mode", gpg: "GOODSIG VALIDSIG", here: true, make: func(g *gnupg) ([]byte, []byte) {
			ring, raw := with("ends", "--textmode")(g)
			return ring, bytes.Replace(raw, []byte("active: standby"), []byte("active: standby\r"), 1)
		}},
		{name: "two signatures, one of a stranger", gpg: "GOODSIG VALIDSIG ERRSIG", make: func(g *gnupg) ([]byte, []byte) {
			return g.ring("mine"), commit(g.sign("--local-user", "mine", "--local-user", "stranger"))
		}},
		{name: "two signatures, both listed", gpg: "GOODSIG VALIDSIG GOODSIG VALIDSIG", make: func(g *gnupg) ([]byte, []byte) {
			return g.ring("mine", "stranger"), commit(g.sign("--local-user", "mine", "--local-user", "stranger"))
		}},
	}
}

// pgpArmours are what stands around a good signature.
func pgpArmours() []pgpCase {
	as := func(change func(g *gnupg, armored string) string) func(*gnupg) ([]byte, []byte) {
		return func(g *gnupg) ([]byte, []byte) {
			return g.ring("mine"), commit(change(g, g.sign("--local-user", "mine")))
		}
	}
	text := func(change func(string) string) func(*gnupg) ([]byte, []byte) {
		return as(func(_ *gnupg, armored string) string { return change(armored) })
	}
	const end = "-----END PGP SIGNATURE-----\n"
	crc := func(armored string) int { return strings.LastIndex(armored, "\n=") }
	return []pgpCase{
		{name: "CRLF in the armour", gpg: "GOODSIG VALIDSIG", here: true, make: text(func(a string) string { return strings.ReplaceAll(a, "\n", "\r\n") })},
		{name: "a comment in the armour", gpg: "GOODSIG VALIDSIG", here: true, make: text(func(a string) string { return strings.Replace(a, "\n\n", "\nComment: hello\n\n", 1) })},
		{name: "no checksum", gpg: "GOODSIG VALIDSIG", here: true, make: text(func(a string) string { return a[:crc(a)+1] + end })},
		{name: "a wrong checksum", gpg: "NODATA", make: text(func(a string) string { return a[:crc(a)+1] + "=AAAA\n" + end })},
		{name: "no end", gpg: "GOODSIG VALIDSIG", stricter: "a part may be missing", make: text(func(a string) string { return strings.TrimSuffix(a, end) })},
		{name: "text before the armour", gpg: "", make: text(func(a string) string { return "hello\n" + a })},
		{name: "text behind the armour", gpg: "GOODSIG VALIDSIG", stricter: "the text is signed by nobody", make: text(func(a string) string { return a + "hello\n" })},
		{name: "a second armour behind, of a stranger", gpg: "GOODSIG VALIDSIG ERRSIG", make: as(func(g *gnupg, a string) string { return a + g.sign("--local-user", "stranger") })},
		{name: "a first armour of a stranger", gpg: "ERRSIG GOODSIG VALIDSIG", make: as(func(g *gnupg, a string) string { return g.sign("--local-user", "stranger") + a })},
		{name: "the armour of a message around the signature", gpg: "GOODSIG VALIDSIG", stricter: "programs differ in what a message is", make: text(func(a string) string { return strings.ReplaceAll(a, "PGP SIGNATURE", "PGP MESSAGE") })},
		{name: "a signed message with a text of its own", gpg: "", make: func(g *gnupg) ([]byte, []byte) {
			return g.ring("mine"), commit(string(g.run(payload, "--local-user", "mine", "--armor", "--sign")))
		}},
		{name: "a signed text", gpg: "", make: func(g *gnupg) ([]byte, []byte) {
			return g.ring("mine"), commit(string(g.run(payload, "--local-user", "mine", "--clear-sign")))
		}},
		{name: "a line of the armour twice", gpg: "NODATA", make: text(func(a string) string {
			lines := strings.SplitAfter(a, "\n")
			return strings.Join(slices.Insert(lines, 3, lines[3]), "")
		})},
		{name: "blanks around each line of the armour", gpg: "GOODSIG VALIDSIG", stricter: "no program writes that", make: text(func(a string) string { return strings.TrimRight(strings.ReplaceAll(a, "\n", " \n "), " \n") + "\n" })},
		{name: "an empty armour", gpg: "NODATA", make: text(func(string) string { return "-----BEGIN PGP SIGNATURE-----\n\n" + end })},
		{name: "a signature and a key", gpg: "UNEXPECTED GOODSIG VALIDSIG", make: as(func(g *gnupg, a string) string {
			return wrap(g.t, "PGP SIGNATURE", append(unwrap(g.t, a), g.ring("stranger")...))
		})},
		{name: "a marker before the signature", gpg: "GOODSIG VALIDSIG", here: true, make: as(func(g *gnupg, a string) string {
			return wrap(g.t, "PGP SIGNATURE", append([]byte("\xca\x03PGP"), unwrap(g.t, a)...))
		})},
	}
}
