package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

// secretRef is a place of the export that names a secret.
type secretRef struct {
	name   string
	at     source.Span
	what   string // that needs it
	needed bool   // the app cannot be served without it
}

// SecretVariable is the environment variable that a secret is read from.
func SecretVariable(name string) string {
	return "ROLEGATE_SECRET_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z' || r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}

// The names under which the server looks for secrets of its own: the key that signs tokens, and the one that signs what a
// webhook is told.
const (
	TokenKeySecret   = "rolegate_token_key"   //nolint:gosec // the name of a secret is no secret
	WebhookKeySecret = "rolegate_webhook_key" //nolint:gosec // nor is this one
)

// secrets checks what the export says about secrets: that their names do not meet in one variable, and that those
// needed are given.
func (l *loader) secrets() {
	l.report(l.collisions())
	var ds source.Diagnostics
	for _, ref := range l.secretRefs {
		if l.given(ref.name) {
			continue
		}
		hint := "put it in the secrets directory or into " + SecretVariable(ref.name)
		if l.options.Serving && ref.needed {
			ds.Error(ref.at, CodeMissingSecret, hint, "%s needs the secret %s, which is not given", ref.what, source.Quote(ref.name))
		} else {
			ds.Warn(ref.at, CodeMissingSecret, hint, "%s needs the secret %s, which is not given", ref.what, source.Quote(ref.name))
		}
	}
	l.report(ds)
	if l.options.Serving || l.options.Evaluating {
		l.secretsInRules()
	}
}

func (l *loader) given(secret string) bool {
	if l.options.Secrets == nil {
		return false
	}
	_, ok := l.options.Secrets(secret)
	return ok
}

func (l *loader) collisions() source.Diagnostics {
	refs := slices.Clone(l.secretRefs)
	slices.SortStableFunc(refs, func(a, b secretRef) int {
		return cmp.Or(cmp.Compare(a.at.File.Name, b.at.File.Name), cmp.Compare(a.at.Start, b.at.Start))
	})
	var ds source.Diagnostics
	own := []string{TokenKeySecret, WebhookKeySecret}
	first := map[string]string{}
	for _, name := range own {
		first[SecretVariable(name)] = name
	}
	for _, ref := range refs {
		variable := SecretVariable(ref.name)
		switch other, seen := first[variable]; {
		case !seen:
			first[variable] = ref.name
		case slices.Contains(own, ref.name):
			ds.Error(ref.at, CodeSecretCollision, "rename it", "the secret %s is the server's own", source.Quote(ref.name))
		case other != ref.name:
			ds.Error(ref.at, CodeSecretCollision, "rename one of them", "the secrets %s and %s would both be read from %s",
				source.Quote(other), source.Quote(ref.name), variable)
		}
	}
	return ds
}

// secretsInRules reports, in the rules, the use of values whose secret is not given. Such a ruleset is broken: a value that
// is missing on the left-hand side of a negation would grant. So would it in can_evaluate of the Data API, without which
// nothing is served.
func (l *loader) secretsInRules() {
	missing := map[string]string{}
	for value, secret := range l.app.Secrets {
		if !l.given(secret) {
			missing[value] = secret
		}
	}
	check := func(ds *source.Diagnostics) func(*source.Value) {
		return func(v *source.Value) {
			eachString(v, func(str string, at source.Span) {
				name, ok := strings.CutPrefix(str, "%%values.")
				name, _, _ = strings.Cut(name, ".")
				if secret := missing[name]; ok && secret != "" {
					ds.Error(at, CodeMissingSecret, "put it in the secrets directory or into "+SecretVariable(secret),
						"the value %s needs the secret %s, which is not given", source.Quote(name), source.Quote(secret))
				}
			})
		}
	}
	if d := l.app.DataAPI; l.options.Serving && d != nil && !d.Disabled && d.CanEvaluate != nil {
		var ds source.Diagnostics
		check(&ds)(d.CanEvaluate)
		l.report(ds)
	}
	for _, s := range l.app.Services {
		for _, rs := range s.all() {
			var ds source.Diagnostics
			rs.expressions(check(&ds))
			l.confined(ds)
			rs.Broken = rs.Broken || ds.HasErrors()
		}
	}
	for _, e := range l.app.Endpoints {
		if e.CanEvaluate != nil && !e.Disabled {
			var ds source.Diagnostics
			check(&ds)(e.CanEvaluate)
			l.confined(ds)
			e.Broken = e.Broken || ds.HasErrors()
		}
	}
}

// all returns the default rule, if any, and the rulesets.
func (s *Service) all() []*Ruleset {
	if s.DefaultRule == nil {
		return s.Rulesets
	}
	return append([]*Ruleset{s.DefaultRule}, s.Rulesets...)
}

// expressions calls f with every expression, query and projection of a ruleset.
func (rs *Ruleset) expressions(f func(*source.Value)) {
	call := func(values ...*source.Value) {
		for _, v := range values {
			if v != nil {
				f(v)
			}
		}
	}
	var fields func([]Field)
	fields = func(list []Field) {
		for _, x := range list {
			call(x.Rule.Read, x.Rule.Write)
			fields(x.Rule.Fields)
		}
	}
	for _, r := range rs.Roles {
		call(r.ApplyWhen, r.Read, r.Write, r.Insert, r.Delete, r.Search)
		if r.DocumentFilters != nil {
			call(r.DocumentFilters.Read, r.DocumentFilters.Write)
		}
		fields(r.Fields)
		if r.Additional != nil {
			call(r.Additional.Read, r.Additional.Write)
		}
	}
	for _, q := range rs.Filters {
		call(q.ApplyWhen, q.Query, q.Projection)
	}
}

// eachString calls f with every string and every name of a value.
func eachString(v *source.Value, f func(string, source.Span)) {
	if v.Kind == source.String {
		f(v.Str, v.Span)
	}
	for _, x := range v.Items {
		eachString(x, f)
	}
	for _, m := range v.Members {
		f(m.Name, m.NameSpan)
		eachString(m.Value, f)
	}
}
