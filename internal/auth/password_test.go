package auth_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rolegate/rolegate/internal/auth"
)

func TestCheckHash(t *testing.T) {
	t.Parallel()
	if passwordHash == auth.HashPassword(password) {
		t.Error("two hashes of one password are equal")
	}
	const salt, hash = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, c := range []struct {
		text string
		good bool
	}{
		{passwordHash, true},
		{"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + hash, true},
		{"$argon2id$v=19$m=262144,t=16,p=16$" + salt + "$" + hash, true},
		{"", false},
		{"$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + hash, false},
		{"$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + hash, false},
		{"$argon2id$v=19$m=262145,t=2,p=1$" + salt + "$" + hash, false},
		{"$argon2id$v=19$m=19456,t=17,p=1$" + salt + "$" + hash, false},
		{"$argon2id$v=19$m=19456,t=0,p=1$" + salt + "$" + hash, false},
		{"$argon2id$v=19$m=19456,t=2,p=0$" + salt + "$" + hash, false},
		{"$argon2id$v=19$m=19456,t=2,p=256$" + salt + "$" + hash, false},
		{"$argon2id$v=19$m=-1,t=2,p=1$" + salt + "$" + hash, false},
		{"$argon2id$v=19$m=19456,t=2,p=1,x$" + salt + "$" + hash, false},
		{"$argon2id$v=19$m=19456,t=2,p=1$AAAA$" + hash, false},
		{"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$AAAA", false},
		{"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + strings.Repeat("A", 88), false},
		{"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + hash + "=", false},
		{"x$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + hash, false},
	} {
		if err := auth.CheckHash(c.text); (err == nil) != c.good {
			t.Errorf("CheckHash(%q) = %v", c.text, err)
		}
	}
}

func TestCheckEmailAndPassword(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"a@x": true, "Ann.B+c@x.example": true, "ä@x": true,
		"a@x,b@y": false, "a@x;b@y": false, "<a@x>": false, "": false, "a": false, "@x": false, "a@": false, "a b@x": false, "a@x\n": false, "a@\xff": false, strings.Repeat("a", 253) + "@x": false,
	} {
		if err := auth.CheckEmail(text); (err == nil) != good || err != nil && !errors.Is(err, auth.ErrInvalid) {
			t.Errorf("CheckEmail(%q) = %v", text, err)
		}
	}
	for text, good := range map[string]bool{
		"123456": true, "ääääää": true, strings.Repeat("x", 128): true, "12345": false, "äääää": false, strings.Repeat("x", 129): false,
	} {
		if err := auth.CheckPassword(text); (err == nil) != good {
			t.Errorf("CheckPassword(%q) = %v", text, err)
		}
	}
}
