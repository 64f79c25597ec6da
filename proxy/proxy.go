package proxy

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rolegate/rolegate/internal/echo"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/rules"
)

// Config is what a Proxy is made of.
type Config struct {
	Store  Store         // required, except for Plan
	Policy *rules.Policy // required
	Log    *slog.Logger  // required

	// CustomData says where custom user data is kept; nil means that there is none.
	CustomData *CustomDataSource
	// NoCustomData says that the app has custom user data which cannot be read here, or must not be. Rules that refer to
	// it then never hold, not even negated.
	NoCustomData bool
	// CustomDataTTL is how long a read may use custom user data it has seen before. Zero reads it every time.
	CustomDataTTL time.Duration

	// Functions are the functions of the app; without them every call of one fails.
	Functions *jsfunc.Program

	// NoRegex refuses regular expressions in requests, as App Services did.
	NoRegex bool
	// Limits bounds the work of one request; a zero field takes its default.
	Limits Limits
	// ObserveRead, when set, is called after each read of a collection, those that writes select by included.
	ObserveRead func(Reading)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Limits bounds what one request may make the proxy do.
type Limits struct {
	Scan    int   // documents examined in the proxy, 100,000
	Targets int   // documents that the guarded writes of one request may change, 10,000
	Inserts int   // documents of one insert, operations of one bulk write, 1,000
	Memory  int64 // bytes held for one request, 128 MiB
	View    int   // bytes of documents sent along with a pipeline, 12 MiB; a command ends at 16 MiB
}

// attempts is how often a write is decided before the proxy gives up because the document keeps changing.
const attempts = 3

// Proxy enforces one app's policy in front of a Store. It is safe for concurrent use.
type Proxy struct {
	Config
	custom   *customData
	lookedUp *lookupCache
}

// New makes a proxy.
func New(c Config) *Proxy {
	c.Limits.Scan = cmp.Or(c.Limits.Scan, 100_000)
	c.Limits.Targets = cmp.Or(c.Limits.Targets, 10_000)
	c.Limits.Inserts = cmp.Or(c.Limits.Inserts, 1_000)
	c.Limits.Memory = cmp.Or(c.Limits.Memory, 128<<20)
	c.Limits.View = cmp.Or(c.Limits.View, 12<<20)
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &Proxy{Config: c, lookedUp: &lookupCache{now: c.Now, kept: map[lookupKey]keptLookup{}}}
	if c.CustomData != nil {
		p.custom = newCustomData(*c.CustomData, c.Store, c.CustomDataTTL, c.Now)
	}
	return p
}

// session is one operation of one caller on one namespace, bound to the rules.
type session struct {
	p     *Proxy
	c     Caller
	ns    rules.Namespace
	op    string
	set   *rules.Ruleset
	bound *rules.Bound
	plan  *rules.Plan // of bound; nil until it is needed

	fresh   bool             // bound decides about a write, so nothing that was kept counts
	custom  rules.CustomData // that bound was made with
	scanned *int             // documents that the request made the proxy examine

	// withheld counts documents that a rule failed on, and keeps the first failure.
	withheld int
	failure  error
}

// begin finds the rules and binds the user. op is the operation as rules see it.
func (p *Proxy) begin(ctx context.Context, c Caller, ns rules.Namespace, op string, fresh bool) (*session, error) {
	s, err := p.session(c, ns, op)
	if err != nil {
		return nil, err
	}
	return s, s.bind(ctx, op, fresh || c.within.decides())
}

// session finds the rules.
func (p *Proxy) session(c Caller, ns rules.Namespace, op string) (*session, error) {
	lookup := p.Policy.Collection
	if c.System {
		lookup = p.Policy.System
	}
	set, found := lookup(ns)
	switch found {
	case rules.NoService:
		return nil, &Error{Kind: UnknownService, Message: "service not found: '" + echo.Name(ns.Service) + "'"}
	case rules.NoRule:
		return nil, &Error{Kind: NoRule, Message: "no rule exists for namespace '" + echo.Text(ns.String(), 2*echo.Most) + "'"}
	}
	return &session{p: p, c: p.begun(c), ns: ns, op: op, set: set, scanned: new(int)}, nil
}

// begun is the caller at the beginning of a request, of which all operations of its functions are a part.
func (p *Proxy) begun(c Caller) Caller {
	if c.Request.Now.IsZero() {
		c.Request.Now = p.Now()
	}
	if c.looked == nil {
		c.looked = &lookupsOfRequest{}
	}
	return c
}

// bind binds the rules for an operation, to the custom data that the user has now.
func (s *session) bind(ctx context.Context, op string, fresh bool) error {
	s.fresh = fresh
	if err := s.findCustomData(ctx, s.set.NeedsCustomData(), fresh); err != nil {
		return err
	}
	return s.rebind(ctx, op)
}

// findCustomData finds the custom data of the user where it is needed. The system has none.
func (s *session) findCustomData(ctx context.Context, needed, fresh bool) error {
	s.custom = rules.CustomData{Unresolved: s.p.NoCustomData || s.c.NoCustomData}
	if !needed || s.p.custom == nil || s.custom.Unresolved || s.c.User.Type == rules.SystemUser {
		return nil
	}
	var err error
	if s.custom, err = s.p.custom.of(ctx, s.c.User.ID, fresh); err != nil {
		return s.storeError(err)
	}
	if s.custom.Unresolved {
		s.warn("several custom user data documents: none of them is used")
	}
	return nil
}

// bindTo binds the rules to custom user data that is known.
func (s *session) bindTo(ctx context.Context, op string, custom rules.CustomData) error {
	s.custom = custom
	return s.rebind(ctx, op)
}

// sources are what rules may ask for. Where nothing calls or looks up there are none.
func (s *session) sources(ctx context.Context, calls, looksUp bool) rules.Sources {
	from := rules.Sources{Functions: s.functions(ctx, calls)}
	if looksUp {
		from.Lookups = &lookups{ctx, s}
	}
	return from
}

// rebind binds the rules for another operation, to the same custom data.
func (s *session) rebind(ctx context.Context, op string) error {
	req := s.c.Request
	req.Operation = op
	bound, err := s.set.BindWith(s.c.User, s.custom, &req, s.sources(ctx, s.set.CallsFunctions(), s.set.LooksUp()))
	if err != nil {
		return &Error{Kind: Invalid, Message: "the projections of the query filters cannot be combined", Cause: err}
	}
	s.op, s.bound, s.plan = op, bound, nil
	return nil
}

// as is the session for another kind of operation of the same request.
func (s *session) as(ctx context.Context, op string) (*session, error) {
	if s.op == op {
		return s, nil
	}
	other := *s
	return &other, other.rebind(ctx, op)
}

// deny is the refusal of a write. The client learns nothing of the decision but the operation, and what the role wants to
// tell; the rest is for the door's log.
func (s *session) deny(d rules.WriteDecision) *Error {
	if d.Err != nil {
		s.notEvaluated()
	}
	message := s.op + " not permitted"
	if d.Message != "" {
		message += ": " + d.Message
	}
	return &Error{
		Kind: Denied, Message: message, Cause: d.Err,
		Role: d.Role, Permission: d.Permission, Path: d.Path,
	}
}

func (s *session) warn(msg string) { s.p.Log.Warn(msg, s.attrs()...) }

// notEvaluated makes the function fail that the operation belongs to: its answer is not complete.
func (s *session) notEvaluated() {
	if s.c.within != nil {
		s.c.within.failed = true
	}
}

// withhold notes that a rule failed on a document, which is then not shown.
func (s *session) withhold(err error) {
	s.notEvaluated()
	if s.withheld++; s.withheld == 1 {
		s.failure = err
	}
}

// logWithheld says once per read that documents were withheld.
func (s *session) logWithheld() {
	if s.withheld == 0 {
		return
	}
	attrs := append(s.attrs(), "documents", s.withheld)
	var failed *rules.EvaluationError
	if errors.As(s.failure, &failed) {
		attrs = append(attrs, "role", failed.Role, "permission", failed.Permission)
	}
	s.p.Log.Warn("documents withheld: a rule could not be evaluated", attrs...)
	s.withheld = 0
}

func (s *session) attrs() []any {
	ns := "unknown"
	if s.p.Policy.Known(s.ns) {
		ns = s.ns.String()
	}
	return []any{"request_id", s.c.ID, "user", s.c.User.ID, "namespace", ns, "operation", s.op}
}

// storeError maps what a Store reports. The driver's text becomes the cause, which only the debug log shows: it may
// quote values.
func (s *session) storeError(err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	e := &Error{Kind: Internal, Message: "internal error"}
	switch {
	case errors.Is(err, ErrDuplicateKey):
		e = &Error{Kind: DuplicateKey, Message: "duplicate key"}
	case errors.Is(err, ErrDocumentTooLarge):
		e = &Error{Kind: TooLarge, Message: "the document is too large"}
	case errors.Is(err, ErrUnclear): // whatever the reason
		e = &Error{Kind: Unclear, Message: "the outcome of the write is not known"}
	case errors.Is(err, ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		e = &Error{Kind: TimedOut, Message: "execution time limit exceeded"}
	case errors.Is(err, ErrUnavailable), errors.Is(err, context.Canceled):
		e = &Error{Kind: Unavailable, Message: "the database cannot be reached"}
	case errors.Is(err, ErrNotTaken):
		// What a validator or an index looks at may be hidden: it is a denial like any other.
		e = s.deny(rules.WriteDecision{Permission: "database", Err: err})
	case errors.Is(err, ErrRejected):
		e = &Error{Kind: Rejected, Message: "the database rejected the request"}
	}
	e.Cause = err
	return e
}
