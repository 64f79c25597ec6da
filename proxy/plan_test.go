package proxy_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// A plan is what a store is asked then, and needs no store itself.
func TestPlanIsWhatIsAsked(t *testing.T) {
	for i, roles := range []string{everyone, owner, pattern, titles, titlesID, owner + "," + titlesID} {
		for _, filter := range []string{`{}`, `{"title":1}`, `{"secret":1}`, `{"title":{"$regex":"x"}}`} {
			for _, sort := range []string{``, `{"title":1}`, `{"secret":1}`, `{"title":1,"b":1}`} {
				t.Run(fmt.Sprint(i, filter, sort), func(t *testing.T) {
					op := proxy.Find{NS: ns, Filter: doc(t, filter), Sort: doc(t, sort), Skip: 1, Limit: 2}
					var read []proxy.Reading
					s := returning()
					p, _ := newProxy(t, s, roles, ``, func(c *proxy.Config) {
						c.ObserveRead = func(r proxy.Reading) { read = append(read, r) }
					})
					if _, err := find(t, p, op); err != nil {
						t.Fatal(err)
					}
					p, _ = newProxy(t, nil, roles, ``)
					plan, err := p.Plan(ann, rules.CustomData{}, "find", op)
					if err != nil {
						t.Fatal(err)
					}
					if plan.Outcome != read[0].Outcome || (plan.Outcome == proxy.None) != (len(s.asked) == 0) {
						t.Fatalf("planned %v, then %v", plan.Outcome, read[0].Outcome)
					}
					if (plan.Outcome == proxy.Narrowed) != (len(plan.Why) > 0) {
						t.Errorf("%v with the reasons %v", plan.Outcome, plan.Why)
					}
					if plan.Outcome == proxy.None {
						return
					}
					if diff := cmp.Diff(s.asked[0], plan.Query); diff != "" {
						t.Errorf("(-asked +planned):\n%s", diff)
					}
					if paged := plan.Query.Limit == 2; plan.Paged != paged || (paged && !plan.Ordered) {
						t.Errorf("ordered %v, paged %v with %+v", plan.Ordered, plan.Paged, plan.Query)
					}
				})
			}
		}
	}
}

func TestPlanOfOperations(t *testing.T) {
	p, _ := newProxy(t, nil, titles, ``)
	for operation, want := range map[string]string{
		"find":      "exact ordered false paged false decision false",
		"count":     "exact ordered true paged true decision false",
		"distinct":  "exact ordered true paged true decision false",
		"aggregate": "exact ordered true paged true decision false",
		"update":    "exact ordered false paged false decision true",
		"delete":    "exact ordered false paged false decision true",
	} {
		plan, err := p.Plan(ann, rules.CustomData{}, operation, proxy.Find{NS: ns})
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%v ordered %v paged %v decision %v", plan.Outcome, plan.Ordered, plan.Paged, plan.Query.ForDecision)
		if got != want {
			t.Errorf("%s: %s, want %s", operation, got, want)
		}
	}
	p, _ = newProxy(t, nil, `{"name": "r", "apply_when": {"%%request.operation": "delete"}, "read": true}`, ``)
	for operation, want := range map[string]proxy.Outcome{"find": proxy.None, "delete": proxy.Exact} {
		if plan, err := p.Plan(ann, rules.CustomData{}, operation, proxy.Find{NS: ns}); err != nil || plan.Outcome != want {
			t.Errorf("%s: %v, %v, want %v", operation, plan, err, want)
		}
	}
}

// What is given counts where the app has custom user data at all.
func TestPlanCustomData(t *testing.T) {
	const roles = `{"name": "r", "apply_when": {"team": "%%user.custom_data.team"}, "read": true}`
	custom := rules.CustomData{Document: doc(t, `{"team":"red"}`)}
	source := &proxy.CustomDataSource{NS: ns, UserIDField: "user"}
	for name, tt := range map[string]struct {
		change func(*proxy.Config)
		want   proxy.Outcome
	}{
		"read":     {func(c *proxy.Config) { c.CustomData = source }, proxy.Exact},
		"not read": {func(c *proxy.Config) { c.NoCustomData = true }, proxy.None},
		"none":     {func(*proxy.Config) {}, proxy.None},
	} {
		p, _ := newProxy(t, nil, roles, ``, tt.change)
		if plan, err := p.Plan(ann, custom, "find", proxy.Find{NS: ns}); err != nil || plan.Outcome != tt.want {
			t.Errorf("%s: %+v, %v, want %v", name, plan, err, tt.want)
		}
	}
}

// A refusal is what the client would be told.
func TestPlanRefuses(t *testing.T) {
	p, _ := newProxy(t, nil, everyone, ``, func(c *proxy.Config) { c.NoRegex = true })
	other := ns
	other.Collection = "d"
	for _, op := range []proxy.Find{
		{NS: other},
		{NS: rules.Namespace{Service: "x", Database: "a", Collection: "c"}},
		{NS: ns, Filter: doc(t, `{"a":{"$regex":"x"}}`)},
		{NS: ns, Sort: doc(t, `{"a":5}`)},
	} {
		want := p.Find(t.Context(), ann, op, nil)
		_, got := p.Plan(ann, rules.CustomData{}, "find", op)
		var e *proxy.Error
		if !errors.As(got, &e) || got.Error() != want.Error() {
			t.Errorf("refused with %v, want %v", got, want)
		}
	}
}
