package dataapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

func TestBodyLimits(t *testing.T) {
	zip := func(text string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	tests := []struct {
		name, body, encoding string
		chunked              bool
		status               int
	}{
		{"small", findBody, "", false, 200},
		{"announced too large", strings.Repeat(" ", 2000), "", false, 413},
		{"found too large", strings.Repeat(" ", 2000), "", true, 413},
		{"gzip", zip(findBody), "gzip", false, 200},
		{"gzip in capitals", zip(findBody), "GZIP", false, 200},
		{"identity", findBody, "identity", false, 200},
		{"gzip, larger than the limit inside", zip(findBody + strings.Repeat(" ", 1000)), "gzip", false, 413},
		{"gzip, ratio", zip(strings.Repeat(" ", 1<<20)), "gzip", false, 413},
		{"gzip that is none", findBody, "gzip", false, 400},
		{"gzip, cut", zip(findBody)[:40], "gzip", false, 400},
		{"gzip, tail", zip(findBody) + "x", "gzip", false, 400},
		{"not announced", zip(findBody), "", false, 400},
		{"other encoding", findBody, "br", false, 415},
		{"two encodings", zip(findBody), "gzip, gzip", false, 415},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(&fake{})
			c.MaxBody = 1000
			res := post(dataapi.New(c), "find", tt.body, func(r *http.Request) {
				header("Content-Encoding", tt.encoding)(r)
				if tt.chunked {
					r.ContentLength = -1
				}
			})
			if got := text(t, res); res.StatusCode != tt.status {
				t.Errorf("%d %s, want %d", res.StatusCode, got, tt.status)
			}
		})
	}
	t.Run("ratio without a size limit", func(t *testing.T) {
		c := config(&fake{})
		c.MaxBody = -1
		res := post(dataapi.New(c), "find", zip(strings.Repeat(" ", 1<<20)), header("Content-Encoding", "gzip"))
		if res.StatusCode != 413 {
			t.Errorf("%d, want 413", res.StatusCode)
		}
	})
}

func TestUserRate(t *testing.T) {
	c := config(&fake{})
	c.UserRate, c.UserBurst = 1e-9, 2
	h := dataapi.New(c)
	const body = `{"error":"too many requests","error_code":"BadRequest"}`
	status := func(edit func(*http.Request)) int {
		res := post(h, "find", findBody, edit)
		if got := text(t, res); res.StatusCode == 429 && (got != body || res.Header.Get("Retry-After") != "1") {
			t.Errorf("%s, Retry-After %q", got, res.Header.Get("Retry-After"))
		}
		return res.StatusCode
	}
	bearer := header("Authorization", "Bearer good-token")
	for i, want := range []int{200, 200, 429, 429} {
		if got := status(bearer); got != want {
			t.Errorf("request %d: %d, want %d", i, got, want)
		}
	}
	if got := status(header("Apikey", "", "Jwttokenstring", "good-jwt")); got != 200 {
		t.Errorf("another user: %d, want 200", got)
	}
	for range 5 {
		if got := status(nil); got != 200 {
			t.Errorf("a server key: %d, want 200", got)
		}
	}
}

func TestUserRateIsForgottenLate(t *testing.T) {
	c := config(&fake{})
	c.UserRate, c.UserBurst = 1e-9, 1
	id := "victim"
	c.Authenticate = func(context.Context, dataapi.Credentials) (*rules.User, error) {
		return &rules.User{ID: id, Type: rules.NormalUser}, nil
	}
	h := dataapi.New(c)
	status := func(user string) int {
		id = user
		return post(h, "find", ``, nil).StatusCode // the rate comes before the body
	}
	if got := status("victim"); got != 400 {
		t.Fatalf("first request: %d, want to get as far as the body", got)
	}
	for i := range 60_000 {
		status(string(rune('a'+i%26)) + time.Duration(i).String())
	}
	if got := status("victim"); got != 429 {
		t.Errorf("after others came: %d, want 429", got)
	}
}

func TestConcurrency(t *testing.T) {
	running, release := make(chan struct{}), make(chan struct{})
	f := &fake{find: func(context.Context, proxy.Find, func(bson.Raw) error) error {
		running <- struct{}{}
		<-release
		return nil
	}}
	c := config(f)
	c.MaxConcurrent = 1
	h := dataapi.New(c)
	first := make(chan int)
	go func() { first <- post(h, "find", findBody, nil).StatusCode }()
	<-running
	res := post(h, "find", findBody, nil)
	if got := text(t, res); res.StatusCode != 429 || got != `{"error":"too many concurrent requests","error_code":"BadRequest"}` {
		t.Errorf("%d %s", res.StatusCode, got)
	}
	close(release)
	if got := <-first; got != 200 {
		t.Errorf("first request: %d", got)
	}
	go func() { <-running }()
	if res := post(h, "find", findBody, nil); res.StatusCode != 200 {
		t.Errorf("after it: %d, want 200", res.StatusCode)
	}
}
