package proxy

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// Bounds of what a lookup may find.
const (
	maxLookupValues = 10_000
	maxLookupBytes  = 4 << 20
)

var (
	errLookupLarge   = errors.New("it finds too much")
	errLookupItself  = errors.New("it is asked for while it is being asked")
	errLookupNeeds   = errors.New("what it needs failed")
	errLookupBroken  = errors.New("it has errors")
	errLookupUnknown = errors.New("it is not said what it finds, and there is no database to ask")
)

// lookups asks the lookups of the app for one operation. A lookup fails when what it refers to fails.
type lookups struct {
	ctx     context.Context
	session *session
}

// lookupsOfRequest is what has been looked up for a request, the operations of its functions included. What differs is the
// query: two operations of one request may ask a lookup for different things.
type lookupsOfRequest struct {
	found  map[lookupKey]*lookedUp
	logged bool
}

// lookupKey tells what was asked, by the bytes of the query: different ones may look alike as text.
type lookupKey struct {
	name, match string
	fresh       bool
}

func (k lookupKey) size() int { return len(k.name) + len(k.match) }

type lookedUp struct {
	value bson.RawValue
	err   error
	done  bool
}

// Lookup implements expr.Lookups. A request evaluates its rules one after the other, so nothing is locked.
func (l *lookups) Lookup(s *expr.Scope, name string) (bson.RawValue, error) {
	q := l.session.p.Policy.LookupQuery(name)
	if q == nil {
		return bson.RawValue{}, l.fail(name, errLookupBroken)
	}
	match, t := q.Bind(s)
	switch t {
	case expr.True:
	case expr.Error:
		return bson.RawValue{}, l.fail(name, errLookupNeeds)
	default:
		return bson.RawValue{}, nil
	}
	key := lookupKey{name, string(match), l.session.fresh}
	looked := l.session.c.looked
	m, known := looked.found[key]
	switch {
	case !known:
		m = &lookedUp{}
		if looked.found == nil {
			looked.found = map[lookupKey]*lookedUp{}
		}
		looked.found[key] = m
		m.value, m.err = l.value(q, key, match)
		m.done = true
	case !m.done:
		return bson.RawValue{}, l.fail(name, errLookupItself)
	}
	if m.err != nil {
		return bson.RawValue{}, l.fail(name, m.err)
	}
	return m.value, nil
}

// value is what a lookup finds: what the caller says, or else what the database does.
func (l *lookups) value(q *rules.LookupQuery, key lookupKey, match bson.Raw) (bson.RawValue, error) {
	p := l.session.p
	if v, known := l.session.c.Found[key.name]; known {
		return v, nil
	}
	if p.Store == nil {
		return bson.RawValue{}, errLookupUnknown
	}
	kept := time.Duration(q.CacheSeconds) * time.Second
	return p.lookedUp.of(key, kept, func() (bson.RawValue, error) { return l.ask(q, match) })
}

// FoundNow is what the lookups of the app find for a caller, by name, as a decision about a write would find it. Those that
// fail or have no value are left out.
func (p *Proxy) FoundNow(ctx context.Context, c Caller, custom rules.CustomData) map[string]bson.RawValue {
	s := &session{p: p, c: p.begun(c), op: c.Request.Operation, fresh: true}
	l := &lookups{ctx, s}
	scope := p.Policy.Scope(c.User, p.known(custom), &s.c.Request, rules.Sources{Lookups: l})
	found := map[string]bson.RawValue{}
	for _, name := range p.Policy.Lookups() {
		if v, err := l.Lookup(scope, name); err == nil && !bsonval.IsMissing(v) {
			found[name] = v
		}
	}
	return found
}

// ask reads the documents and collects the different values at the path, without nulls, in BSON order.
func (l *lookups) ask(q *rules.LookupQuery, match bson.Raw) (bson.RawValue, error) {
	p := l.session.p
	found := valueSet{seen: map[string]struct{}{}}
	examined := 0
	for doc, err := range p.Store.Find(l.ctx, q.NS, Query{Filter: match, ForDecision: true}) {
		if err != nil {
			return bson.RawValue{}, err
		}
		if examined++; examined > p.Limits.Scan {
			return bson.RawValue{}, errLookupLarge
		}
		q.Select.Values(doc, func(v bson.RawValue) bool {
			if v.Type != bson.TypeNull && v.Type != bson.TypeUndefined {
				found.add(v)
			}
			return len(found.seen) <= maxLookupValues
		})
		if len(found.seen) > maxLookupValues || found.bytes > maxLookupBytes {
			return bson.RawValue{}, errLookupLarge
		}
	}
	return arrayOf(found.sorted()), nil
}

// fail notes a failure for the log, and for the function that the operation belongs to.
func (l *lookups) fail(name string, err error) error {
	l.session.notEvaluated()
	if r := l.session.c.looked; !r.logged {
		r.logged = true
		l.session.p.Log.Warn("a lookup failed: what needs its values is denied", append(l.session.attrs(), "lookup", name, "error", err.Error())...)
	}
	return err
}

// maxKept bounds the memory of the cache, in bytes of queries and values.
const maxKept = 64 << 20

// lookupCache keeps what lookups have found, where the app allows it. What decides about a write is looked up afresh.
type lookupCache struct {
	now func() time.Time

	mu    sync.Mutex
	kept  map[lookupKey]keptLookup
	bytes int // of kept, and of what has been replaced
}

type keptLookup struct {
	value bson.RawValue
	at    time.Time
}

func (c *lookupCache) of(key lookupKey, ttl time.Duration, ask func() (bson.RawValue, error)) (bson.RawValue, error) {
	if key.fresh || ttl <= 0 {
		return ask()
	}
	c.mu.Lock()
	k, ok := c.kept[key]
	c.mu.Unlock()
	if ok && c.now().Sub(k.at) < ttl {
		return k.value, nil
	}
	at := c.now()
	v, err := ask()
	if err == nil {
		c.mu.Lock()
		if c.bytes += key.size() + len(v.Value); c.bytes > maxKept {
			clear(c.kept)
			c.bytes = key.size() + len(v.Value)
		}
		c.kept[key] = keptLookup{v, at}
		c.mu.Unlock()
	}
	return v, err
}
