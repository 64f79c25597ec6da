package reads

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/apptest"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/server"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

const (
	serviceForms    = "../../examples/service-forms"
	submissionCount = 10_000
)

// counted is a store that counts the documents that leave it, by collection.
type counted struct {
	proxy.Store
	left map[string]int
}

func (c *counted) Find(ctx context.Context, ns rules.Namespace, q proxy.Query) iter.Seq2[bson.Raw, error] {
	return c.count(ns, c.Store.Find(ctx, ns, q))
}

func (c *counted) Aggregate(ctx context.Context, ns rules.Namespace, q proxy.AggregateQuery) iter.Seq2[bson.Raw, error] {
	return c.count(ns, c.Store.Aggregate(ctx, ns, q))
}

func (c *counted) count(ns rules.Namespace, docs iter.Seq2[bson.Raw, error]) iter.Seq2[bson.Raw, error] {
	return func(yield func(bson.Raw, error) bool) {
		for doc, err := range docs {
			if err == nil {
				c.left[ns.Collection]++
			}
			if !yield(doc, err) {
				return
			}
		}
	}
}

// all is how many documents have left.
func (c *counted) all() int {
	n := 0
	for _, of := range c.left {
		n += of
	}
	return n
}

// policies is the example with the rules of one of its cases, and with more submissions than the case has.
type policies struct {
	proxy *proxy.Proxy
	store *counted
	c     *policytest.Case
}

var submissions = rules.Namespace{Service: service, Database: "service", Collection: "submissions"}

func openPolicies(t *testing.T, name string, more []bson.Raw) policies {
	t.Helper()
	beside, err := policytest.ReadBeside(os.DirFS(serviceForms))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(serviceForms + "/cases/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	c, err := beside.Parse(name+".txtar", text)
	if err != nil {
		t.Fatal(err)
	}
	app, err := c.Over(os.DirFS(serviceForms + "/app"))
	if err != nil {
		t.Fatal(err)
	}
	o := server.Options{Secrets: func(string) (string, bool) { return "", false }, Now: c.Clock()}
	if c.Settings != nil {
		o.Settings = &source.File{Name: "server.json", Text: c.Settings}
	}
	r, err := server.OpenTested(o, app)
	if err != nil {
		t.Fatal(err)
	}
	store, err := mongostore.OpenScratch(t.Context(), testdb.Open(t).URI, []string{service})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := apptest.Seed(t.Context(), store, c, r.Proxy.CustomData); err != nil {
		t.Fatal(err)
	}
	if err := store.Seed(t.Context(), submissions, more); err != nil {
		t.Fatal(err)
	}
	p := policies{store: &counted{store, map[string]int{}}, c: c}
	r.Proxy.Store, r.Proxy.Log = p.store, slog.New(slog.DiscardHandler)
	p.proxy = proxy.New(r.Proxy)
	return p
}

func (p policies) caller(name string) proxy.Caller {
	u := p.c.Users[name]
	return proxy.Caller{User: &rules.User{ID: u.ID, Type: rules.NormalUser, Data: u.Data}}
}

// submitted are n submissions of Tom, of all forms, for one site.
func submitted(t *testing.T, n int, site string) []bson.Raw {
	t.Helper()
	forms := []string{"site-visit", "laptop", "firewall-change", "sabbatical", "address", "weekend-access"}
	out := make([]bson.Raw, n)
	for i := range out {
		raw, err := bson.Marshal(bson.D{
			{Key: "_id", Value: fmt.Sprintf("%s-%05d", site, i)},
			{Key: "form", Value: forms[i%len(forms)]},
			{Key: "values", Value: bson.D{{Key: "site", Value: site}}},
			{Key: "submitted_by", Value: "user-tom"},
			{Key: "submitted_at", Value: time.Date(2025, 3, 1, 0, 0, i, 0, time.UTC)},
		})
		if err != nil {
			t.Fatal(err)
		}
		out[i] = raw
	}
	return out
}

// TestPoliciesDenyInTheDatabase: of 10,000 submissions the policies of the example deny all but three to Zoe, a laptop
// that she asked for and two visits at her site. Her search finds the three, and nothing else leaves the database.
func TestPoliciesDenyInTheDatabase(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP TestPoliciesDenyInTheDatabase: it stores 10,000 documents; run without -short")
	}
	const ofTheExample = 6 // one is hers, one is a visit at her site
	more := append(submitted(t, 1, "Boston"), submitted(t, submissionCount-ofTheExample-1, "Chicago")...)
	p := openPolicies(t, "walk-through", more)
	if n, err := p.store.Count(t.Context(), submissions, bsonval.Empty()); n != submissionCount || err != nil {
		t.Fatalf("%d submissions are stored, want %d: %v", n, submissionCount, err)
	}
	want := []string{"Boston-00000", "laptop-1", "visit-1"}
	for _, tt := range []struct {
		name string
		op   proxy.Find
		want []string
	}{
		{"all", proxy.Find{}, want},
		{"a page, newest first", proxy.Find{Sort: doc(t, `{"submitted_at": -1}`), Skip: 1, Limit: 50}, []string{"visit-1", "laptop-1"}},
		{"all but a form", proxy.Find{Filter: doc(t, `{"form": {"$ne": "laptop"}}`)}, []string{"Boston-00000", "visit-1"}},
	} {
		clear(p.store.left)
		tt.op.NS = submissions
		var got []string
		err := p.proxy.Find(t.Context(), p.caller("zoe"), tt.op, func(d bson.Raw) error {
			got = append(got, d.Lookup("_id").StringValue())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d returned, documents that left the database: %v", tt.name, len(got), p.store.left)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if p.store.left["submissions"] != len(tt.want) || p.store.all() > 10 {
			t.Errorf("%s: %d documents left the database, %d of them submissions; want %d submissions, and at most 10 with those that rules look up",
				tt.name, p.store.all(), p.store.left["submissions"], len(tt.want))
		}
	}
	n, err := p.proxy.Count(t.Context(), p.caller("zoe"), proxy.Count{NS: submissions})
	if n != int64(len(want)) || err != nil {
		t.Errorf("count %d, %v; want %d", n, err, len(want))
	}
}

// TestPolicyThatNoDatabaseKnows: what the example's case of a function refuses names the role, for the log and for explain.
func TestPolicyThatNoDatabaseKnows(t *testing.T) {
	p := openPolicies(t, "not-pushed-down", nil)
	const role, permission = "Listed approvers", "apply_when"
	err := p.proxy.Find(t.Context(), p.caller("tom"), proxy.Find{NS: submissions}, func(bson.Raw) error { return nil })
	if refused, ok := errors.AsType[*proxy.Error](err); !ok || refused.Kind != proxy.ScanLimit || refused.Role != role || refused.Permission != permission {
		t.Errorf("Find = %+v, want the scan limit because of %s of %q", err, permission, role)
	}
	planned, err := p.proxy.Plan(p.caller("tom"), rules.CustomData{}, "find", proxy.Find{NS: submissions})
	if err != nil {
		t.Fatal(err)
	}
	if len(planned.Why) == 0 || planned.Why[0].Role != role || planned.Why[0].Permission != permission {
		t.Errorf("Plan says %+v, want %s of %q", planned.Why, permission, role)
	}
}
