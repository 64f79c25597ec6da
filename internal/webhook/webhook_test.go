package webhook_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rolegate/rolegate/internal/webhook"
)

const secret = "open & sesame"

func TestQuery(t *testing.T) {
	t.Parallel()
	g := webhook.Guard{Method: webhook.InQuery, Secret: secret}
	for query, want := range map[string]bool{
		"secret=open+%26+sesame":           true,
		"a=1&secret=open%20%26%20sesame&b": true,
		"%73ecret=open+%26+sesame":         true,
		"%zz=1&secret=open+%26+sesame":     true,
		"":                                 false,
		"secret":                           false,
		"secret=":                          false,
		"secret=open":                      false,
		"secret=open+%26+sesame2":          false,
		"secret=open+%26+sesam%zz":         false,
		"Secret=open+%26+sesame":           false,
		"secret=open+%26+sesame&secret=open+%26+sesame":   false,
		"secret=open+%26+sesame&%73ecret=something+else":  false,
		"secret=something+else&secret=open+%26+sesame":    false,
		"secret[]=open+%26+sesame":                        false,
		"not=secret;secret=open+%26+sesame":               false,
		"Endpoint-Signature=sha256&secret=open+&+sesame=": false,
	} {
		if got := g.AdmitsQuery(query); got != want {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
		if !g.AdmitsBody(http.Header{}, nil) {
			t.Errorf("%q: the body is asked for something, too", query)
		}
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	const (
		body = `{"a": 1}`
		// printf '{"a": 1}' | openssl dgst -sha256 -hmac 'open & sesame'
		good = "0cbb6bb145cc6c206325dd6a7dcbb2b51aa54615c63555dd81f58debcec14452"
	)
	g := webhook.Guard{Method: webhook.Signature, Secret: secret}
	for _, c := range []struct {
		name   string
		values []string
		body   string
		want   bool
	}{
		{"right", []string{"sha256=" + good}, body, true},
		{"in capitals", []string{"sha256=" + strings.ToUpper(good)}, body, true},
		{"with a second colon", []string{":sha256=" + good}, body, true},
		{"none", nil, body, false},
		{"empty", []string{""}, body, false},
		{"no digits", []string{"sha256="}, body, false},
		{"another body", []string{"sha256=" + good}, body + " ", false},
		{"no body", []string{"sha256=" + good}, "", false},
		{"cut", []string{"sha256=" + good[:62]}, body, false},
		{"longer", []string{"sha256=" + good + "00"}, body, false},
		{"no name", []string{good}, body, false},
		{"another algorithm", []string{"sha1=" + good}, body, false},
		{"no hexadecimal", []string{"sha256=" + strings.Repeat("zz", 32)}, body, false},
		{"sent twice", []string{"sha256=" + good, "sha256=" + good}, body, false},
		{"two in one", []string{"sha256=" + good + ",sha256=" + good}, body, false},
	} {
		h := http.Header{"Endpoint-Signature": c.values}
		if got := g.AdmitsBody(h, []byte(c.body)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if !g.AdmitsQuery("secret=wrong") {
		t.Error("the query is asked for something, too")
	}
}

// A guard that has lost its secret lets nobody in, also those who send an empty one.
func TestNoSecret(t *testing.T) {
	t.Parallel()
	const empty = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" // of no bytes under no key
	if (webhook.Guard{Method: webhook.InQuery}).AdmitsQuery("secret=") {
		t.Error("an empty secret in the query")
	}
	if (webhook.Guard{Method: webhook.Signature}).AdmitsBody(http.Header{"Endpoint-Signature": {empty}}, nil) {
		t.Error("a signature under an empty secret")
	}
}

func TestGuardsDoNotPrint(t *testing.T) {
	t.Parallel()
	g := webhook.Guard{Method: webhook.InQuery, Secret: secret}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, g); got != "[secret]" {
			t.Errorf("%s: %s", verb, got)
		}
	}
}
