package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair writes a certificate with the given serial number, as of the given time.
func writePair(t *testing.T, dir string, serial int64, at time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyBytes, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyBytes},
	} {
		writeAt(t, filepath.Join(dir, name), pem.EncodeToMemory(block), at)
	}
}

func writeAt(t *testing.T, name string, text []byte, at time.Time) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var log bytes.Buffer
	writePair(t, dir, 1, now)
	c, err := loadCertificate(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"),
		slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.SerialNumber.Int64()
	}
	step := func(name string, want int64) {
		t.Helper()
		if got := serial(); got != want {
			t.Errorf("%s: certificate %d, want %d", name, got, want)
		}
	}
	step("at first", 1)

	writePair(t, dir, 2, now.Add(time.Minute))
	step("within a second", 1)
	now = now.Add(time.Second)
	step("after a second", 2)

	// The key is exchanged after the certificate: until then the old pair serves.
	writeAt(t, filepath.Join(dir, "key.pem"), []byte("half"), now.Add(2*time.Minute))
	now = now.Add(time.Second)
	step("half a pair", 2)
	if !strings.Contains(log.String(), "the old one stays") {
		t.Errorf("log: %s", &log)
	}
	logged := log.Len()
	now = now.Add(time.Second)
	step("still half a pair", 2)
	if log.Len() != logged {
		t.Error("the same failure is logged again")
	}
	writePair(t, dir, 3, now.Add(3*time.Minute))
	now = now.Add(time.Second)
	step("both", 3)

	if err := os.Remove(filepath.Join(dir, "cert.pem")); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	step("gone", 3)
}
