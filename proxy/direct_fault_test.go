package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/query"
	operators "github.com/rolegate/rolegate/internal/update"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Direct changes one document after the other, up to where it fails.
func (m *model) Direct(_ context.Context, ns rules.Namespace, w proxy.DirectWrite) (proxy.DirectResult, error) {
	f, end := m.begin()
	defer end()
	m.mu.Lock()
	defer m.mu.Unlock()
	matching, err := query.Parse(w.Filter, query.Options{Trusted: true})
	if err != nil {
		return proxy.DirectResult{}, err
	}
	var u *operators.Update
	if w.Update != nil {
		if u, err = operators.Parse(w.Update, nil, operators.Options{}); err != nil {
			return proxy.DirectResult{}, err
		}
	}
	var kept []bson.Raw
	done := proxy.DirectResult{}
	for _, d := range m.collections[ns] {
		stop := f != nil && int(done.Matched) >= f.applied || !w.Many && done.Matched > 0
		if stop || !matching.Match(d) {
			kept = append(kept, d)
			continue
		}
		done.Matched++
		if u == nil {
			m.stored.deleted++
			continue
		}
		after, err := u.Apply(nil, d, operators.Input{Positional: -1})
		if err != nil {
			return done, fmt.Errorf("%w: %w", proxy.ErrRejected, err)
		}
		m.stored.modified++
		done.Modified++
		kept = append(kept, after)
	}
	m.collections[ns] = kept
	if f != nil {
		return proxy.DirectResult{}, f.err
	}
	return done, nil
}

// A direct write is one call, which is never repeated. When it fails and may have changed something, the answer says so.
func TestDirectFaults(t *testing.T) {
	set, inc := `{"$set":{"n":7}}`, `{"$inc":{"n":7}}`
	writes := map[string]func(p *proxy.Proxy) (int64, error){
		"update one": func(p *proxy.Proxy) (int64, error) {
			res, err := p.Update(t.Context(), ann, proxy.Update{NS: ns, Filter: doc(t, `{"_id":"a"}`), Update: doc(t, inc)})
			return res.Modified, err
		},
		"update many": func(p *proxy.Proxy) (int64, error) {
			res, err := p.Update(t.Context(), ann, proxy.Update{NS: ns, Filter: doc(t, `{}`), Update: doc(t, set), Many: true})
			return res.Modified, err
		},
		"delete one": func(p *proxy.Proxy) (int64, error) {
			return p.Delete(t.Context(), ann, proxy.Delete{NS: ns, Filter: doc(t, `{"_id":"a"}`)})
		},
		"delete many": func(p *proxy.Proxy) (int64, error) {
			return p.Delete(t.Context(), ann, proxy.Delete{NS: ns, Filter: doc(t, `{}`), Many: true})
		},
	}
	for name, write := range writes {
		many := strings.HasSuffix(name, "many")
		start := func(f *fault) (*model, int64, error) {
			m := newModel(docs(t, `{"_id":"a","owner":"ua","n":1}`, `{"_id":"b","owner":"ua","n":2}`, `{"_id":"c","owner":"ub","n":3}`)...)
			m.features, m.fail = everything, f
			p, _ := newProxy(t, m, owner, ``)
			n, err := write(p)
			return m, n, err
		}
		if m, n, err := start(nil); err != nil || m.calls != 1 || int(n) != m.stored.modified+m.stored.deleted || (n == 2) != many {
			t.Errorf("%s: answered %d, %v after %d calls, stored %v", name, n, err, m.calls, m.stored)
		}
		for fault1, kind := range faultKinds {
			for applied := range 3 {
				if applied > 0 && !many && !errors.Is(fault1, proxy.ErrUnclear) {
					continue // one document is changed or not
				}
				m, n, err := start(&fault{call: 1, err: fault1, applied: applied})
				where := fmt.Sprintf("%s fails by %v after %d documents", name, fault1, applied)
				if !many && errors.Is(fault1, proxy.ErrRejected) {
					if err != nil || m.calls != 3 || n != 1 {
						t.Errorf("%s: %d, %v after %d calls, want guarded writes", where, n, err, m.calls)
					}
					continue
				}
				if kindOf(err) != kind || m.calls != 1 {
					t.Errorf("%s: %v after %d calls", where, err, m.calls)
				}
				told := kind == proxy.Unclear || strings.Contains(err.Error(), "may have been changed")
				if m.stored != (effect{}) && !told && kind != proxy.Unavailable {
					t.Errorf("%s: %v although %v was stored", where, err, m.stored)
				}
			}
		}
	}
}
