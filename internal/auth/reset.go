package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"time"
)

// resetLife is how long a reset token is good: imported users do not all come back on the first day.
const resetLife = 30 * 24 * time.Hour

// NewReset makes the right to set a password once, and the token that is shown once.
func NewReset(now time.Time) (r Reset, token string) {
	random := make([]byte, secretSize)
	_, _ = rand.Read(random) // never fails
	token = hex.EncodeToString(random)
	return Reset{Hash: sha256.Sum256([]byte(token)), Expires: now.Add(resetLife).UTC().Truncate(time.Millisecond)}, token
}

func (r *Reset) opens(token string, now time.Time) bool {
	hash := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(hash[:], r.Hash[:]) == 1 && now.Before(r.Expires)
}
