package server_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/source"
)

// TestTLS serves HTTPS, HTTP/2 included, and nothing plain on the same port.
func TestTLS(t *testing.T) {
	h := newHouse(t, testdb.Open(t), app)
	h.db.Seed(t, h.database, "notes", bson.D{{Key: "_id", Value: 1}, {Key: "owner", Value: "ann"}})

	// The certificate of a test server of the standard library, and a client that trusts it.
	known := httptest.NewUnstartedServer(http.NotFoundHandler())
	known.EnableHTTP2 = true
	known.StartTLS()
	defer known.Close()
	pair := known.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h.options.TLSCert, h.options.TLSKey = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		h.options.TLSCert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, h.options.TLSKey: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.options.Listen = "0.0.0.0:0" // with a certificate any address will do
	s, _ := h.start()
	_, port, _ := strings.Cut(s.Addr().String(), "]:")
	url := "127.0.0.1:" + port + strings.SplitAfterN(h.url(s, "find"), s.Addr().String(), 2)[1]
	request := func(scheme string) *http.Request {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, scheme+"://"+url, strings.NewReader(h.body("notes", "")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("jwtTokenString", token("ann", nil))
		return req
	}
	client := known.Client()
	defer client.CloseIdleConnections()
	if got := h.sendBy(client, request("https")); got != `200 {"documents":[{"_id":1,"owner":"ann"}]}` {
		t.Errorf("https: %s", got)
	}
	res, err := client.Do(request("https"))
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.ProtoMajor != 2 {
		t.Errorf("protocol %s, %v", res.Proto, err)
	}
	if got := h.sendBy(http.DefaultClient, request("http")); !strings.HasPrefix(got, "400 ") {
		t.Errorf("plain: %s", got)
	}
}

func TestPlainHTTPElsewhere(t *testing.T) {
	h := newHouse(t, testdb.Open(t), app)
	h.options.Listen = "0.0.0.0:0"
	if _, err := server.New(t.Context(), h.options); !errors.Is(err, server.ErrPlainHTTP) {
		t.Errorf("New: %v, want ErrPlainHTTP", err)
	}
	h.options.InsecureHTTP = true
	s, err := server.New(t.Context(), h.options)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("Close without Run: %v", err)
	}
}

// TestHeaderLimit holds that a head of more than 64 KiB is refused.
func TestHeaderLimit(t *testing.T) {
	h := newHouse(t, testdb.Open(t), app)
	s, _ := h.start()
	got := h.ask(s, "jwtTokenString", strings.Repeat("x", 80<<10), "find", "notes", "")
	if !strings.HasPrefix(got, "431 ") {
		t.Errorf("80 KiB of headers: %s", got)
	}
}

// TestCutOff holds that a request which outlasts the time to drain does not keep the server.
func TestCutOff(t *testing.T) {
	h := newHouse(t, testdb.Open(t), app)
	h.options.Drain = time.Millisecond
	s, stop := h.start()
	conn, answer := h.begin(s, h.body("notes", ""))
	defer func() { _ = conn.Close() }() // the server has closed it
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := http.ReadResponse(answer, nil); err == nil {
		t.Error("the request that was cut off has an answer")
	}
	if !strings.Contains(h.log.String(), "requests cut off") {
		t.Errorf("log:\n%s", h.log)
	}
}

const byAddress = `
-- data_sources/mongodb-atlas/DB/places/rules.json --
{"database": "DB", "collection": "places", "roles": [
  {"name": "near", "apply_when": {"%%request.remoteIPAddress": "203.0.113.7"}, "read": true}
]}
`

// TestTrustedProxies holds that rules see the address that a trusted proxy tells, and nobody else's.
func TestTrustedProxies(t *testing.T) {
	db := testdb.Open(t)
	for _, c := range []struct{ name, settings, want string }{
		{"trusted", `{"trusted_proxies": ["127.0.0.0/8"]}`, `200 {"documents":[{"_id":1}]}`},
		{"not trusted", `{}`, `200 {"documents":[]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, db, app+byAddress)
			h.db.Seed(t, h.database, "places", bson.D{{Key: "_id", Value: 1}})
			h.options.Settings = &source.File{Name: "settings", Text: []byte(c.settings)}
			s, _ := h.start()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.url(s, "find"), strings.NewReader(h.body("places", "")))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("jwtTokenString", token("ann", nil))
			req.Header.Set("X-Forwarded-For", "198.51.100.1, 203.0.113.7")
			if got := h.send(req); got != c.want {
				t.Errorf("find: %s, want %s", got, c.want)
			}
		})
	}
}
