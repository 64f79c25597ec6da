package dataapi_test

import (
	"net/http"
	"testing"

	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

// TestAsSystem asks for no credentials, and lets no web page ask that is not listed: a browser inside a network would
// otherwise be everybody's way in.
func TestAsSystem(t *testing.T) {
	for _, tt := range []struct {
		origin  string
		allowed []string
		status  int
	}{
		{"", nil, http.StatusOK},
		{"", []string{"https://app.example"}, http.StatusOK},
		{"https://app.example", nil, http.StatusForbidden},
		{"null", nil, http.StatusForbidden},
		{"https://app.example", []string{"https://app.example"}, http.StatusOK},
		{"https://evil.example", []string{"https://app.example"}, http.StatusForbidden},
	} {
		for _, token := range []string{"", "Bearer good-token", "Bearer bad-token"} {
			f := &fake{}
			c := config(f)
			c.AsSystem, c.AllowedOrigins = true, tt.allowed
			res := post(dataapi.New(c), "findOne", findBody, header("Apikey", "", "Authorization", token, "Origin", tt.origin))
			if res.StatusCode != tt.status {
				t.Errorf("origin %q, allowed %q, %q: status %d, want %d: %s", tt.origin, tt.allowed, token, res.StatusCode, tt.status, text(t, res))
			}
			if tt.status == http.StatusOK && (!f.caller.System || f.caller.User.Type != rules.SystemUser || f.caller.User.ID != "") {
				t.Errorf("%q asks as %+v", token, f.caller)
			}
		}
	}
	f := &fake{}
	if post(dataapi.New(config(f)), "findOne", findBody, nil); f.caller.System {
		t.Error("a request runs as the system that nobody has said so of")
	}
}
