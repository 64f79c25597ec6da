package dataapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
)

// serve starts a server whose handlers have all ended, and left no goroutine, when the test is over.
func serve(t *testing.T, c dataapi.Config) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(dataapi.New(c))
	t.Cleanup(func() {
		srv.Client().CloseIdleConnections()
		srv.Close()
		stacks := goroutines(t)
		for giveUp := time.Now().Add(10 * time.Second); strings.Contains(stacks, "dataapi.(*server)"); stacks = goroutines(t) {
			if time.Now().After(giveUp) { // a handler that panicked is on its way out for a moment
				t.Errorf("a goroutine is left:\n%s", stacks)
				break
			}
			runtime.Gosched()
		}
	})
	return srv
}

func goroutines(t *testing.T) string {
	t.Helper()
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Error(err)
	}
	return stacks.String()
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

// The values of distinct, and what a pipeline yields, are under the same limits as the documents of find.
func TestStreamsOfOtherReads(t *testing.T) {
	const n = 5000
	one := `"` + strings.Repeat("x", 1000) + `"`
	f := &fake{find: repeated(kilobyte(t), n, nil)}
	for range n {
		f.values = append(f.values, value(t, one))
	}
	c := config(f)
	whole := dataapi.New(c)
	c.MaxResponse = 500 << 10
	limited := dataapi.New(c)
	for action, tt := range map[string]struct{ keys, name, one string }{
		"distinct":  {`,"key":"a"`, "values", one},
		"aggregate": {`,"pipeline":[]`, "documents", `{"a":` + one + `}`},
	} {
		res := post(whole, action, `{`+names+tt.keys+`}`, nil)
		want := `{"` + tt.name + `":[` + strings.Repeat(tt.one+",", n-1) + tt.one + `]}`
		if got := text(t, res); res.StatusCode != 200 || res.ContentLength >= 0 || got != want {
			t.Errorf("%s: %d, %d bytes of %d, want 200 and %d streamed", action, res.StatusCode, len(got), res.ContentLength, len(want))
		}
		res = post(limited, action, `{`+names+tt.keys+`}`, nil)
		const refused = `{"error":"the answer exceeds 0 MB","error_code":"ReadSizeLimitExceeded"}`
		if got := text(t, res); res.StatusCode != 400 || got != refused {
			t.Errorf("%s: %d %.100s, want 400 %s", action, res.StatusCode, got, refused)
		}
	}
}

// A client that goes away ends the work for it, and nobody is answered, whatever the work ends with.
func TestClientGoesAway(t *testing.T) {
	for name, end := range map[string]error{"context": context.Canceled, "store": &proxy.Error{Kind: proxy.Unavailable}} {
		t.Run(name, func(t *testing.T) {
			began := make(chan struct{})
			c := config(&fake{find: func(ctx context.Context, _ proxy.Find, _ func(bson.Raw) error) error {
				close(began)
				<-ctx.Done()
				return end
			}})
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
			if o := <-seen; o.Status != 0 || !o.Aborted || o.Code != "" {
				t.Errorf("observed %+v, want nothing sent", o)
			}
		})
	}
}

// A client that goes away in the middle of an answer ends the work for it.
func TestClientGoesAwayWhileReading(t *testing.T) {
	kb := kilobyte(t)
	stopped := make(chan error, 1)
	c := config(&fake{find: func(_ context.Context, _ proxy.Find, emit func(bson.Raw) error) error {
		for {
			if err := emit(kb); err != nil {
				stopped <- emit(kb) // and again, as a careless caller would
				return nil
			}
		}
	}})
	c.MaxResponse = -1
	seen := make(chan dataapi.Observation, 1)
	c.Observe = func(o dataapi.Observation) { seen <- o }
	srv := serve(t, c)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+base+"find", strings.NewReader(findBody))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Apikey", "good-key")
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if err := <-stopped; err == nil {
		t.Error("emit forgot the error")
	}
	if o := <-seen; o.Status != 200 || !o.Aborted {
		t.Errorf("observed %+v", o)
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
