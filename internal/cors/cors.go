// Package cors says which web pages may call, and tells browsers so.
package cors

import (
	"net/http"
	"net/url"
	"strings"
)

// Origins are the origins whose pages may call. The zero value lets every page call: credentials are explicit headers, a
// browser adds none by itself.
type Origins struct {
	restricted bool
	allowed    map[string]bool // normalised
}

// New reads a list of scheme://host[:port]. An entry that is no origin matches nothing, but still makes the list one.
func New(list []string) Origins {
	o := Origins{restricted: len(list) > 0, allowed: make(map[string]bool, len(list))}
	for _, s := range list {
		if n, ok := normalize(s); ok {
			o.allowed[n] = true
		}
	}
	return o
}

// None is a list without an entry: no page may call.
func None() Origins { return Origins{restricted: true} }

// Admit tells whether the page that a request comes from may call, and sets what a browser must see on every answer,
// refusals included. A request without an Origin does not come from a page.
func (o Origins) Admit(h http.Header, r *http.Request) bool {
	if o.restricted {
		h.Add("Vary", "Origin")
	}
	sent := r.Header.Values("Origin")
	switch {
	case len(sent) == 0:
		return true
	case !o.restricted:
		h.Set("Access-Control-Allow-Origin", "*")
		return true
	}
	if n, ok := normalize(sent[0]); !ok || len(sent) > 1 || !o.allowed[n] {
		return false
	}
	h.Set("Access-Control-Allow-Origin", sent[0])
	return true
}

// IsPreflight tells a browser's question from a request. Many clients copy Access-Control-Request-Headers into
// their actual requests; on anything but OPTIONS it means nothing.
func IsPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// Preflight sets the headers of the answer, which comes without credentials because a browser sends none with the question. The
// credential headers are not listed: pages use a bearer token.
func Preflight(h http.Header, methods string) {
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept")
	h.Set("Access-Control-Max-Age", "600")
}

// normalize lower-cases scheme and host and drops a default port.
func normalize(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return "", false
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	scheme := strings.ToLower(u.Scheme)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return scheme + "://" + host, true
	}
	return scheme + "://" + host + ":" + port, true
}
