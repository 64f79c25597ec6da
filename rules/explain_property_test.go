package rules_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/explain"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// An explanation agrees with what is decided: the roles and what they came to, the view, and the reasons of each field.
func TestExplainAgrees(t *testing.T) {
	outcomes := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		d := drawer{rt}
		file, filtered := d.rules()
		policy := compile(t, file, rules.Options{})
		user := drawnUser(t)
		rs, _ := policy.Collection(ns)
		b, err := rs.Bind(&user, rules.CustomData{}, &rules.Request{Operation: "find"})
		if err != nil {
			rt.Fatal(err)
		}
		decider := b.Decider()
		for range 6 {
			stored := mustDoc(t, `{"_id":`+d.of("id", `1`, `"ua"`)+`,"a":`+d.value(3)+`,"b":`+d.value(2)+`,"c":`+d.value(1)+`}`)
			r, err := explain.New(explain.Options{
				Proxy:     proxy.Config{Policy: policy, Log: slog.New(slog.DiscardHandler)},
				Namespace: ns, User: &explain.User{User: user}, Document: stored,
			})
			if err != nil {
				rt.Fatalf("%s: %v", file, err)
			}
			c := comparison{t, rt, r, stored, file}
			view, visible, viewErr := decider.View(nil, stored)
			c.view(view, visible, viewErr)
			c.roles(decider.Decide(stored))
			c.fields(view)
			c.extents(filtered)
			outcomes[r.Document.Decision.Shows]++
			if err := r.WriteText(&strings.Builder{}); err != nil {
				rt.Fatal(err)
			}
		}
	})
	for _, shows := range []string{"document", "fields", "nothing", "withheld"} {
		if outcomes[shows] == 0 {
			t.Errorf("no decision is %s: this compares too little", shows)
		}
	}
	t.Logf("%v", outcomes)
}

// comparison holds an explanation against decisions.
type comparison struct {
	tb     testing.TB
	t      *rapid.T
	r      *explain.Report
	stored bson.Raw
	file   string
}

func (c comparison) fatalf(format string, args ...any) {
	var b strings.Builder
	_ = c.r.WriteText(&b)
	c.t.Fatalf("rules %s\n%s\n"+format, append([]any{c.file, b.String()}, args...)...)
}

func (c comparison) view(view bson.Raw, visible bool, err error) {
	doc := c.r.Document
	if visible != doc.Visible || (err != nil) != (doc.Decision.Shows == "withheld") {
		c.fatalf("visible %v, %v", visible, err)
	}
	if visible && string(doc.View) != text(c.tb, view) {
		c.fatalf("the view is %s", text(c.tb, view))
	}
}

// roles wants the trace of each role to be what was decided.
func (c comparison) roles(d rules.Decision) {
	applies, fails := "", false
	for i, tried := range c.r.Document.Roles {
		live := c.r.Roles[i].Live
		switch truth := tried.ApplyWhen; {
		case (tried.Outcome == "out") != !live || (truth == nil) != (tried.Outcome == "out" || tried.Outcome == "later"):
			c.fatalf("the role %s is %s and live %v", tried.Name, tried.Outcome, live)
		case tried.Outcome == "applies":
			applies = tried.Name
		case tried.Outcome == "fails":
			fails = true
		}
	}
	var failed *rules.EvaluationError
	if errors.As(d.Err, &failed); fails != (failed != nil && failed.Permission == "apply_when") {
		c.fatalf("a role fails: %v, decided %v", fails, d.Err)
	}
	if applies != d.Role {
		c.fatalf("%q applies, decided %q", applies, d.Role)
	}
}

// fields wants each field to have its fate for a reason.
func (c comparison) fields(view bson.Raw) {
	doc := c.r.Document
	if doc.Decision.Shows == "withheld" {
		for _, f := range doc.Fields {
			c.withheld(&f)
		}
		return
	}
	for _, f := range doc.Fields {
		stored, _ := bsonval.Lookup(c.stored, f.Path)
		left, _ := bsonval.Lookup(view, f.Path)
		want := "part"
		switch {
		case bsonval.IsMissing(left):
			want = "hidden"
		case bsonval.Identical(stored, left):
			want = "shown"
		}
		if f.Fate != want {
			c.fatalf("%s is %s, not %s", f.Path, want, f.Fate)
		}
		c.reason(&f)
	}
}

// reason wants the permission that is named to hold, and none to hold where nothing is shown.
func (c comparison) reason(f *explain.Fate) {
	if strings.Contains(f.Reason, "query filter") {
		return
	}
	holds := ""
	permissions := f.Permissions
	if c.r.Document.Decision.Shows == "document" {
		permissions = c.r.Document.Decision.Permissions
	}
	for _, p := range permissions {
		if p.Truth == "true" && !strings.HasPrefix(p.Name, "document_filters") && holds == "" {
			holds = p.Name
		}
	}
	byParts := strings.HasPrefix(f.Reason, "by what is listed")
	switch {
	case holds != "" && (f.Fate != "shown" || f.Reason != "by "+holds),
		holds == "" && f.Fate == "shown" && !byParts,
		f.Fate == "part" && !byParts:
		c.fatalf("%s is %s %s, but %q holds", f.Path, f.Fate, f.Reason, holds)
	}
	for i := range f.Fields {
		c.reason(&f.Fields[i])
	}
}

func (c comparison) withheld(f *explain.Fate) {
	fails, holds := false, false
	for _, p := range f.Permissions {
		fails, holds = fails || p.Truth == "error", holds || p.Truth == "true"
	}
	if fails = fails && !holds; f.Fate != "hidden" || (!fails && len(f.Fields) == 0) {
		c.fatalf("%s is %s and does not fail", f.Path, f.Fate)
	}
	for i := range f.Fields {
		c.withheld(&f.Fields[i])
	}
}

// extents wants what a role is said to show before any document to be what it shows of this one.
func (c comparison) extents(projected bool) {
	doc := c.r.Document
	for _, role := range c.r.Roles {
		if role.Name != doc.Decision.Role || !doc.Visible {
			continue
		}
		for _, s := range role.Shows {
			if !projected && s.Whole != (doc.Decision.Shows == "document") {
				continue // the other half of its documents
			}
			if projected && len(role.Shows) > 1 {
				continue
			}
			for _, f := range doc.Fields {
				extent := s.Others
				for _, named := range s.Fields {
					if named.Name == f.Path {
						extent = named.Shown
					}
				}
				if s.Whole {
					extent = "whole"
				}
				if (extent == "whole" && f.Fate != "shown") || (extent == "hidden" && f.Fate != "hidden") || (extent == "condition" && f.Fate == "part") {
					c.fatalf("%s is %s, the role shows it %s", f.Path, f.Fate, extent)
				}
			}
		}
	}
}
