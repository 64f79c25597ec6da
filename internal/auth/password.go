package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The cost of a new hash, as OWASP recommends it: 19 MiB, twice.
const (
	hashMemory  = 19 << 10 // KiB
	hashTime    = 2
	hashThreads = 1
	hashSize    = 32
	saltSize    = 16
)

// The most that a stored hash may cost, and the least that is still a hash.
const (
	maxHashMemory  = 256 << 10
	maxHashTime    = 16
	maxHashThreads = 16
	minHashPart    = 8
	maxHashPart    = 64
)

// What App Services allows.
const (
	minPassword = 6   // characters
	maxPassword = 128 // characters
	maxEmail    = 254 // bytes
)

// dummyHash is one that no password has. Unknown users are compared with it, so that they take as long as known ones.
var dummyHash = formatHash(hashMemory, hashTime, hashThreads, make([]byte, saltSize), make([]byte, hashSize))

// HashPassword hashes a password with argon2id and a random salt, in the form that other programs write, too:
// $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func HashPassword(password string) string {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	return formatHash(hashMemory, hashTime, hashThreads, salt, argon2.IDKey([]byte(password), salt, hashTime, hashMemory, hashThreads, hashSize))
}

func formatHash(memory, time uint32, threads uint8, salt, hash []byte) string {
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, time, threads, encode(salt), encode(hash))
}

// CheckHash tells whether a text is a hash that passwords can be compared with.
func CheckHash(text string) error {
	_, err := parseHash(text)
	return err
}

type parsedHash struct {
	memory, time uint32
	threads      uint8
	salt, hash   []byte
}

var errNoHash = errors.New("not a hash of argon2id with an acceptable cost")

func parseHash(text string) (parsedHash, error) {
	var h parsedHash
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, errNoHash
	}
	_, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads)
	if err != nil || parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", h.memory, h.time, h.threads) {
		return h, errNoHash
	}
	salt, saltErr := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	hash, hashErr := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	switch {
	case saltErr != nil, hashErr != nil, len(salt) < minHashPart, len(salt) > maxHashPart, len(hash) < minHashPart, len(hash) > maxHashPart,
		h.memory < 1, h.memory > maxHashMemory, h.time < 1, h.time > maxHashTime, h.threads < 1, h.threads > maxHashThreads:
		return h, errNoHash
	}
	h.salt, h.hash = salt, hash
	return h, nil
}

// matches tells whether a password has the stored hash.
func matches(password, stored string) bool {
	h, err := parseHash(stored)
	if err != nil {
		return false
	}
	got := argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(len(h.hash)))
	return subtle.ConstantTimeCompare(got, h.hash) == 1
}

// CheckEmail refuses what cannot be an address, or what a program that sends mails could take for several. Whether it is one
// only a mail would tell.
func CheckEmail(email string) error {
	name, host, ok := strings.Cut(email, "@")
	odd := func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(",;<>", r)
	}
	if !ok || name == "" || host == "" || len(email) > maxEmail || !utf8.ValidString(email) || strings.ContainsFunc(email, odd) {
		return &failure{kind: ErrInvalid, reason: "not an e-mail address"}
	}
	return nil
}

// CheckPassword refuses passwords that are too short or too long.
func CheckPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return &failure{kind: ErrInvalid, reason: fmt.Sprintf("password must be between %d and %d characters", minPassword, maxPassword)}
	}
	return nil
}
