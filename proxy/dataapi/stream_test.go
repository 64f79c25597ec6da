package dataapi_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

// serve starts a server whose handlers have all ended, and left no goroutine, when the test is over.
func serve(t *testing.T, c dataapi.Config) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(dataapi.New(c))
	t.Cleanup(func() {
		srv.Client().CloseIdleConnections()
		srv.Close()
		var stacks bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
			t.Error(err)
		}
		if strings.Contains(stacks.String(), "dataapi.(*server)") {
			t.Errorf("a goroutine is left:\n%s", &stacks)
		}
	})
	return srv
}

// ask sends a find to a real server and returns what was read of the body, and how reading ended.
func ask(t *testing.T, srv *httptest.Server) (*http.Response, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+base+"find", strings.NewReader(findBody))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Apikey", "good-key")
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

// kilobyte is a document of about a kilobyte.
func kilobyte(tb testing.TB) bson.Raw {
	tb.Helper()
	return doc(tb, `{"a":"`+strings.Repeat("x", 1000)+`"}`)
}

func repeated(d bson.Raw, n int, err error) func(context.Context, proxy.Find, func(bson.Raw) error) error {
	return func(_ context.Context, _ proxy.Find, emit func(bson.Raw) error) error {
		for range n {
			if err := emit(d); err != nil {
				return errors.New("the proxy has its own idea of what went wrong")
			}
		}
		return err
	}
}

func TestStream(t *testing.T) {
	kb := kilobyte(t)
	one := `{"a":"` + strings.Repeat("x", 1000) + `"}`
	late := &proxy.Error{Kind: proxy.TimedOut}
	tests := []struct {
		name   string
		find   func(context.Context, proxy.Find, func(bson.Raw) error) error
		limit  int64
		status int
		length bool // a Content-Length
		cut    bool // the body never ends
		docs   int
		body   string
	}{
		{name: "small", find: repeated(kb, 3, nil), status: 200, length: true, docs: 3},
		{name: "just held back", find: repeated(kb, 1000, nil), status: 200, length: true, docs: 1000},
		{name: "streamed", find: repeated(kb, 5000, nil), status: 200, docs: 5000},
		{name: "one large document", find: repeated(doc(t, `{"a":"`+strings.Repeat("x", 3<<20)+`"}`), 1, nil), status: 200, docs: 1},
		{name: "error before anything is sent", find: repeated(kb, 1000, late), status: 504, length: true, body: `{"error":"execution time limit exceeded","error_code":"ExecutionTimeLimitExceeded"}`},
		{name: "error after it", find: repeated(kb, 5000, late), status: 200, cut: true},
		{name: "corrupt document", find: repeated(bson.Raw{6, 0, 0, 0, 1, 0}, 1, nil), status: 500, length: true, body: `{"error":"internal server error","error_code":"InternalServerError"}`},
		{name: "too large before anything is sent", find: repeated(kb, 1000, nil), limit: 500 << 10, status: 400, length: true, body: `{"error":"the answer exceeds 0 MB","error_code":"ReadSizeLimitExceeded"}`},
		{name: "too large after it", find: repeated(kb, 5000, nil), limit: 3 << 20, status: 200, cut: true},
		{name: "no limit", find: repeated(kb, 5000, nil), limit: -1, status: 200, docs: 5000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := config(&fake{find: tt.find})
			c.MaxResponse = tt.limit
			var seen []dataapi.Observation
			done := make(chan struct{})
			c.Observe = func(o dataapi.Observation) { seen = append(seen, o); close(done) }
			res, body, err := ask(t, serve(t, c))
			<-done
			if res.StatusCode != tt.status {
				t.Fatalf("%d %.200s, want %d", res.StatusCode, body, tt.status)
			}
			if tt.cut {
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("the body of %d bytes ended with %v, want to notice the cut", len(body), err)
				}
				if bytes.HasSuffix(body, []byte("]}")) {
					t.Error("the body looks complete")
				}
			} else if err != nil {
				t.Errorf("reading: %v", err)
			}
			if got := res.ContentLength >= 0; got != tt.length {
				t.Errorf("Content-Length: %v, want %v", res.ContentLength, tt.length)
			}
			if tt.body != "" && string(body) != tt.body {
				t.Errorf("got %.200s, want %s", body, tt.body)
			}
			if tt.docs > 1 {
				if want := `{"documents":[` + strings.Repeat(one+",", tt.docs-1) + one + `]}`; string(body) != want {
					t.Errorf("got %d bytes, want %d", len(body), len(want))
				}
			}
			if len(seen) != 1 || seen[0].Status != tt.status || seen[0].Aborted != tt.cut || seen[0].Action != "find" {
				t.Errorf("observed %+v", seen)
			}
		})
	}
}

// A client that goes away ends the work for it, and nobody is answered.
func TestClientGoesAway(t *testing.T) {
	kb := kilobyte(t)
	began, ended := make(chan struct{}), make(chan error, 1)
	f := &fake{find: func(ctx context.Context, _ proxy.Find, emit func(bson.Raw) error) error {
		close(began)
		<-ctx.Done()
		ended <- emit(kb)
		return ctx.Err()
	}}
	c := config(f)
	seen := make(chan dataapi.Observation, 1)
	c.Observe = func(o dataapi.Observation) { seen <- o }
	srv := serve(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+base+"find", strings.NewReader(findBody))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Apikey", "good-key")
	go func() { <-began; cancel() }()
	if res, err := srv.Client().Do(req); err == nil {
		res.Body.Close()
		t.Error("the request succeeded")
	}
	if err := <-ended; err != nil {
		t.Errorf("emit: %v", err) // held back, so nothing has been written yet
	}
	if o := <-seen; o.Status != 0 || !o.Aborted {
		t.Errorf("observed %+v, want nothing sent", o)
	}
}

func TestDeadline(t *testing.T) {
	f := &fake{find: func(ctx context.Context, _ proxy.Find, _ func(bson.Raw) error) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	c := config(f)
	c.RequestTimeout = time.Millisecond
	res, body, err := ask(t, serve(t, c))
	if err != nil || res.StatusCode != 504 || string(body) != `{"error":"execution time limit exceeded","error_code":"ExecutionTimeLimitExceeded"}` {
		t.Errorf("%d %s, %v", res.StatusCode, body, err)
	}
}

// A body that does not come is given up, also where nobody wants it any more.
func TestSlowBody(t *testing.T) {
	for key, want := range map[string]string{
		"good-key": `408 {"error":"the body took too long","error_code":"BadRequest"}`,
		"bad-key":  `401 {"error":"invalid session: error finding user for endpoint","error_code":"InvalidSession"}`,
	} {
		t.Run(key, func(t *testing.T) {
			c := config(&fake{})
			c.BodyTimeout = 10 * time.Millisecond
			srv := serve(t, c)
			r, w := io.Pipe()
			defer w.Close()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+base+"find", r)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Apikey", key)
			res, err := srv.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if got := strconv.Itoa(res.StatusCode) + " " + text(t, res); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// The time for the body says nothing about the time for the answer.
func TestSlowAnswer(t *testing.T) {
	c := config(&fake{find: func(ctx context.Context, _ proxy.Find, _ func(bson.Raw) error) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
			return nil
		}
	}})
	c.BodyTimeout = 50 * time.Millisecond
	res, body, err := ask(t, serve(t, c))
	if err != nil || res.StatusCode != 200 {
		t.Errorf("%d %s, %v", res.StatusCode, body, err)
	}
}

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
