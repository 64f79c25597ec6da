package dataapi

import (
	"net/http"
	"net/url"
	"strings"
)

// origins are the origins whose pages may call. The zero value lets every page call.
type origins struct {
	restricted bool
	allowed    map[string]bool // normalised
}

// newOrigins reads the configured list. An entry that is no origin matches nothing, but still makes the list one.
func newOrigins(list []string) origins {
	o := origins{restricted: len(list) > 0, allowed: make(map[string]bool, len(list))}
	for _, s := range list {
		if n, ok := normalizeOrigin(s); ok {
			o.allowed[n] = true
		}
	}
	return o
}

// admit refuses pages of other origins and sets what a browser must see on every answer, refusals included. A
// request without an Origin does not come from a page.
func (o origins) admit(x *exchange) error {
	h := x.w.Header()
	if o.restricted {
		h.Add("Vary", "Origin")
	}
	sent := x.r.Header.Values("Origin")
	switch {
	case len(sent) == 0:
		return nil
	case !o.restricted:
		h.Set("Access-Control-Allow-Origin", "*")
		return nil
	}
	if n, ok := normalizeOrigin(sent[0]); !ok || len(sent) > 1 || !o.allowed[n] {
		return &failure{reason: "origin", status: http.StatusForbidden, code: codeDomain, text: "origin not allowed"}
	}
	h.Set("Access-Control-Allow-Origin", sent[0])
	return nil
}

// isPreflight tells a browser's question from a request. Many clients copy Access-Control-Request-Headers into
// their actual requests; on anything but OPTIONS it means nothing.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers without credentials, because a browser sends none with it. The credential headers are not
// listed: pages use a bearer token.
func (x *exchange) preflight() {
	h := x.w.Header()
	h.Set("Access-Control-Allow-Methods", http.MethodPost)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept")
	h.Set("Access-Control-Max-Age", "600")
	x.status = http.StatusNoContent
	x.w.WriteHeader(x.status)
}

// normalizeOrigin lower-cases scheme and host and drops a default port.
func normalizeOrigin(s string) (string, bool) {
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
