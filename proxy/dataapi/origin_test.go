package dataapi_test

import (
	"net/http"
	"testing"

	"github.com/rolegate/rolegate/proxy/dataapi"
)

func TestFormats(t *testing.T) {
	tests := []struct {
		accept string
		def    dataapi.Format
		want   string
	}{
		{"", dataapi.JSON, "application/json"},
		{"", dataapi.EJSON, "application/ejson"},
		{"*/*", dataapi.EJSON, "application/ejson"},
		{"application/*", dataapi.EJSON, "application/ejson"},
		{"text/html", dataapi.EJSON, "application/ejson"},
		{"application/json", dataapi.EJSON, "application/json"},
		{"application/json, text/plain, */*", dataapi.EJSON, "application/json"},
		{"APPLICATION/EJSON; charset=utf-8", dataapi.JSON, "application/ejson"},
		{"application/json;q=0.5, application/ejson", dataapi.JSON, "application/ejson"},
		{"application/ejson;q=0", dataapi.JSON, "application/json"},
		{"application/ejson;q=x, ;;", dataapi.JSON, "application/json"},
	}
	for _, tt := range tests {
		c := config(&fake{})
		c.ReturnType = tt.def
		res := post(dataapi.New(c), "findOne", findBody, header("Accept", tt.accept))
		if got := res.Header.Get("Content-Type"); got != tt.want {
			t.Errorf("Accept %q, default %v: %q, want %q", tt.accept, tt.def, got, tt.want)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	tests := []struct {
		contentType, origin string
		status              int
	}{
		{"application/json", "", 200},
		{"application/ejson", "", 200},
		{"application/json; charset=utf-8", "", 200},
		{"Application/JSON", "http://page", 200},
		{"", "", 200},
		{"application/x-www-form-urlencoded", "", 200},
		{"text/plain;charset=UTF-8", "", 200},
		{"", "http://page", 415},
		{"application/x-www-form-urlencoded", "http://page", 415},
		{"text/plain", "null", 415},
		{"text/html", "", 400},
		{"application/xml", "http://page", 400},
		{"/", "", 400},
	}
	for _, tt := range tests {
		res := post(dataapi.New(config(&fake{})), "find", findBody, header("Content-Type", tt.contentType, "Origin", tt.origin))
		if got := text(t, res); res.StatusCode != tt.status {
			t.Errorf("%q from %q: %d %s, want %d", tt.contentType, tt.origin, res.StatusCode, got, tt.status)
		}
	}
	res := post(dataapi.New(config(&fake{})), "find", findBody, func(r *http.Request) { r.Header.Add("Content-Type", "text/plain") })
	if res.StatusCode != 400 {
		t.Errorf("two content types: %d, want 400", res.StatusCode)
	}
}

func TestOrigins(t *testing.T) {
	list := []string{"https://app.example.com", "HTTP://Localhost:80", "https://[::1]:8443", "no origin"}
	const refused = `{"error":"origin not allowed","error_code":"DomainNotAllowed"}`
	tests := []struct {
		name    string
		allowed []string
		origin  string
		status  int
		allow   string
		vary    string
	}{
		{"no list, no page", nil, "", 200, "", ""},
		{"no list", nil, "https://anywhere", 200, "*", ""},
		{"no list, null", nil, "null", 200, "*", ""},
		{"list, no page", list, "", 200, "", "Origin"},
		{"listed", list, "https://app.example.com", 200, "https://app.example.com", "Origin"},
		{"listed, default port and case", list, "https://App.example.com:443", 200, "https://App.example.com:443", "Origin"},
		{"listed with the default port", list, "http://localhost", 200, "http://localhost", "Origin"},
		{"listed address", list, "https://[::1]:8443", 200, "https://[::1]:8443", "Origin"},
		{"other scheme", list, "http://app.example.com", 403, "", "Origin"},
		{"other port", list, "https://app.example.com:444", 403, "", "Origin"},
		{"suffix", list, "https://app.example.com.evil", 403, "", "Origin"},
		{"null", list, "null", 403, "", "Origin"},
		{"entry that is no origin", list, "no origin", 403, "", "Origin"},
		{"path", list, "https://app.example.com/x", 403, "", "Origin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(&fake{})
			c.AllowedOrigins = tt.allowed
			h := dataapi.New(c)
			res := post(h, "find", findBody, header("Origin", tt.origin))
			if got := text(t, res); res.StatusCode != tt.status || tt.status == 403 && got != refused {
				t.Errorf("%d %s, want %d", res.StatusCode, got, tt.status)
			}
			checkCORS(t, res, tt.allow, tt.vary)

			if tt.origin == "" {
				return
			}
			pre := post(h, "find", "", func(r *http.Request) {
				r.Method = http.MethodOptions
				r.Header = http.Header{"Origin": {tt.origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization"}}
			})
			checkCORS(t, pre, tt.allow, tt.vary)
			if tt.status == 403 {
				if pre.StatusCode != 403 {
					t.Errorf("preflight: %d, want 403", pre.StatusCode)
				}
				return
			}
			if got := text(t, pre); pre.StatusCode != 204 || got != "" || pre.Header.Get("Content-Type") != "" {
				t.Errorf("preflight: %d %q", pre.StatusCode, got)
			}
			for name, want := range map[string]string{
				"Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "Authorization, Content-Type, Accept", "Access-Control-Max-Age": "600",
			} {
				if got := pre.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

// Refusals carry the header too, or the page could not read why.
func TestOriginOnRefusals(t *testing.T) {
	res := post(dataapi.New(config(&fake{})), "find", "", header("Origin", "https://page"))
	if got := res.Header.Get("Access-Control-Allow-Origin"); res.StatusCode != 400 || got != "*" {
		t.Errorf("%d, allowed %q", res.StatusCode, got)
	}
}

// Half of the clients copy this header into their requests. It makes no preflight of them.
func TestJunkHeaders(t *testing.T) {
	res := post(dataapi.New(config(&fake{})), "find", findBody, header("Access-Control-Request-Headers", "*", "X-Realm-Op-Name", "default"))
	if got := text(t, res); got != `{"documents":[]}` {
		t.Errorf("%d %s", res.StatusCode, got)
	}
}

func checkCORS(t *testing.T, res *http.Response, allow, vary string) {
	t.Helper()
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != allow {
		t.Errorf("Access-Control-Allow-Origin: %q, want %q", got, allow)
	}
	if got := res.Header.Get("Vary"); got != vary {
		t.Errorf("Vary: %q, want %q", got, vary)
	}
	if got := res.Header.Get("Access-Control-Allow-Credentials"); got != "" {
		t.Errorf("Access-Control-Allow-Credentials: %q", got)
	}
}
