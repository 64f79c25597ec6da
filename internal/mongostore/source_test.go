package mongostore

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConcernsOfTheConnectionString(t *testing.T) {
	tests := map[string]struct{ write, read string }{
		"":                           {`{"w":"majority","j":true}`, ``},
		"?w=majority":                {`{"w":"majority"}`, ``},
		"?w=1":                       {`{"w":1}`, ``},
		"?journal=false":             {`{"w":"majority","j":false}`, ``},
		"?w=2&journal=true":          {`{"w":2,"j":true}`, ``},
		"?readConcernLevel=majority": {`{"w":"majority","j":true}`, `{"level":"majority"}`},
		"?readPreference=secondary&retryWrites=true": {`{"w":"majority","j":true}`, ``},
	}
	for options, want := range tests {
		s, err := newSource("mongodb://127.0.0.1:1/"+options, Config{SelectionTimeout: time.Second})
		if err != nil {
			t.Errorf("%s: %v", options, err)
			continue
		}
		read := ""
		if s.readConcern != nil {
			read = ejson(t, s.readConcern)
		}
		if diff := cmp.Diff([]string{want.write, want.read}, []string{ejson(t, s.writeConcern), read}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", options, diff)
		}
		if err := s.client.Disconnect(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := map[string]string{
		"mongodb://h/?w=0":                         "w=0",
		"mongodb://app:hunter2@h:99999/?journal=x": "not valid",
		"postgres://app:hunter2@h/":                "not valid",
		"mongodb://app:hunter2 @h:port":            "not valid",
		"":                                         "not valid",
	}
	for uri, want := range tests {
		_, err := Open(context.Background(), Config{DataSources: map[string]string{"mongodb-atlas": uri}})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Open(%q) = %v, want an error with %q and without the password", uri, err, want)
		}
	}
}

// noticed tells when somebody starts to wait for it.
type noticed struct {
	context.Context
	once   sync.Once
	waited chan struct{}
}

func (n *noticed) Done() <-chan struct{} {
	n.once.Do(func() { close(n.waited) })
	return n.Context.Done()
}

// Whoever needs a server that does not answer waits for it no longer than for their own request.
func TestProbesDoNotWaitForEachOther(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSource("mongodb://"+silent.Addr().String()+"/", Config{SelectionTimeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := &noticed{Context: ctx, waited: make(chan struct{})}
	var others sync.WaitGroup
	others.Go(func() {
		if _, err := s.capabilities(first); err == nil {
			t.Error("a server that never answered can do something")
		}
	})
	<-first.waited
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := s.capabilities(gone); err == nil {
		t.Error("a server that never answered can do something")
	}
	cancel()
	others.Wait()
	if err := errors.Join(silent.Close(), s.client.Disconnect(t.Context())); err != nil {
		t.Error(err)
	}
}
