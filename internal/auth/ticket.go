package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"time"
)

// secretSize is how many random bytes a secret of ours has, secretText its length in hexadecimal.
const (
	secretSize = 32
	secretText = 2 * secretSize
)

// newSecret makes a secret, which is shown once, and the hash that is kept of it.
func newSecret() (hash [sha256.Size]byte, text string) {
	random := make([]byte, secretSize)
	_, _ = rand.Read(random) // never fails
	text = hex.EncodeToString(random)
	return sha256.Sum256([]byte(text)), text
}

// opens tells whether a secret has a hash, in a time that does not depend on how much of it is right.
func opens(hash [sha256.Size]byte, secret string) bool {
	got := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(got[:], hash[:]) == 1
}

// Ticket is the right to do one thing once, such as to set a password. Who has its token may use it.
type Ticket struct {
	Hash    [sha256.Size]byte // of the token
	Expires time.Time
}

// resetLife is how long a ticket of an operator is good: imported users do not all come back on the first day.
const resetLife = 30 * 24 * time.Hour

// NewReset makes the right to set a password, and the token that is shown once.
func NewReset(now time.Time) (t Ticket, token string) { return newTicket(now, resetLife) }

func newTicket(now time.Time, life time.Duration) (t Ticket, token string) {
	hash, token := newSecret()
	return Ticket{Hash: hash, Expires: now.Add(life).UTC().Truncate(time.Millisecond)}, token
}

// opens tells whether a token is the right one at a time. A nil ticket takes as long to be opened by none.
func (t *Ticket) opens(token string, now time.Time) bool {
	if t == nil {
		t = &Ticket{}
	}
	return opens(t.Hash, token) && now.Before(t.Expires)
}
