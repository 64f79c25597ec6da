package expr_test

import (
	"testing"
	"time"

	"github.com/rolegate/rolegate/rules/expr"
)

func TestTime(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	sunday := time.Date(2025, 3, 2, 23, 30, 0, 0, time.UTC) // on which it is Monday in Berlin already
	for _, c := range []struct {
		text string
		zone *time.Location
		want expr.Truth
	}{
		{`{"%%time.weekday": 7, "%%time.day": 2, "%%time.hour": 23, "%%time.minute": 30}`, nil, expr.True},
		{`{"%%time.weekday": 1, "%%time.day": 3, "%%time.hour": 0}`, berlin, expr.True},
		{`{"%%time.year": 2025, "%%time.month": 3}`, nil, expr.True},
		{`{"%%time.weekday": {"%in": [6, 7]}}`, berlin, expr.False},
		{`{"%%now": {"$date": "2025-03-02T23:30:00Z"}}`, berlin, expr.True},
		{`{"d": {"%lt": "%%now"}}`, nil, expr.True},
		{`{"d": {"%gte": {"%dateSubtract": {"startDate": "%%now", "unit": "month", "amount": 1}}}}`, nil, expr.False},
		{`{"d": {"%dateSubtract": {"startDate": "%%now", "unit": "quarter", "amount": 1}}}`, nil, expr.False},
		{`{"none": {"%lt": {"%dateAdd": {"startDate": "%%now", "unit": "day", "amount": 1}}}}`, nil, expr.False},
		// Without a value there is no truth, also negated.
		{`{"d": {"%ne": {"%dateAdd": {"startDate": "%%user.data.none", "unit": "day", "amount": 1}}}}`, nil, expr.Unknown},
		{`{"%not": {"d": {"%dateAdd": {"startDate": "%%now", "unit": "day", "amount": "%%user.data.email"}}}}`, nil, expr.Unknown},
		{`{"d": {"%ne": {"%dateAdd": {"startDate": "%%root.s", "unit": "day", "amount": 1}}}}`, nil, expr.Error},
		{`{"d": {"%ne": {"%dateAdd": {"startDate": "%%root.d", "unit": "day", "amount": 1.5}}}}`, nil, expr.Error},
		{`{"d": {"%ne": {"%dateAdd": {"startDate": "%%root.d", "unit": "year", "amount": 1099511627776}}}}`, nil, expr.Error},
	} {
		s := scope(t)
		s.Now, s.TimeZone = sunday, c.zone
		text := c.text
		e, ds := parse(text, expr.InRole)
		if ds.HasErrors() {
			if c.want != expr.Error {
				t.Errorf("%s: %v", text, ds)
			}
			continue
		}
		env := &expr.Env{Root: mustDoc(t, `{"d": {"$date": "2025-01-01T00:00:00Z"}, "s": "yesterday"}`)}
		if got := e.Bind(s).Eval(env); got != c.want {
			t.Errorf("%s is %s, want %s", text, got, c.want)
		}
	}
}

// A scope without a time, and one without lookups, decides nothing that depends on them.
func TestWithoutTimeOrLookups(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]expr.Truth{
		`{"%%now": {"%exists": false}}`:              expr.Unknown,
		`{"%not": {"%%time.weekday": 3}}`:            expr.Unknown,
		`{"x": {"%ne": "%%now"}}`:                    expr.Unknown,
		`{"x": {"%nin": "%%lookups.teams"}}`:         expr.Error,
		`{"%not": {"%%lookups.teams": "red"}}`:       expr.Error,
		`{"x": {"%in": ["%%lookups.teams", "red"]}}`: expr.Error,
	} {
		named := names
		named.Lookups = map[string]bool{"teams": true}
		e, ds := parseWith(text, expr.InRole, named)
		if ds.HasErrors() {
			t.Fatalf("%s: %v", text, ds)
		}
		if got := e.Bind(scope(t)).Eval(&expr.Env{Root: mustDoc(t, `{"x": "blue"}`)}); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
