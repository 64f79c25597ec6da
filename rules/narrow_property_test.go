package rules_test

import (
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/rules"
)

// drawer makes rules, documents and filters out of a few names and values, so that they meet.
type drawer struct{ *rapid.T }

func (d drawer) of(label string, choices ...string) string {
	return rapid.SampledFrom(choices).Draw(d.T, label)
}

func (d drawer) number(label string, most int) int { return rapid.IntRange(0, most).Draw(d.T, label) }

func (d drawer) path() string {
	return d.of("path", "a", "b", "c", "a.b", "a.c", "b.a", "a.0", "a.0.b", "a.b.c", "_id")
}

func (d drawer) value(depth int) string {
	if depth > 0 && d.number("nest", 3) == 0 {
		var parts []string
		for range d.number("parts", 3) {
			parts = append(parts, d.value(depth-1))
		}
		if d.number("array", 1) == 0 {
			return "[" + strings.Join(parts, ",") + "]"
		}
		for i := range parts {
			parts[i] = `"` + []string{"a", "b", "c"}[i] + `":` + parts[i]
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return d.of("value", `1`, `1.0`, `2`, `"x"`, `"ua"`, `null`, `true`, `{"$numberLong":"1"}`, `{"$regularExpression":{"pattern":"x","options":""}}`)
}

func (d drawer) plain() string { return d.of("plain", `1`, `2`, `"x"`, `"ua"`, `null`, `true`) }

// test is the operand of a condition, for rules and for filters alike.
func (d drawer) test() string {
	switch d.number("operator", 13) {
	case 0:
		return d.plain()
	case 1:
		return `{"$exists":` + d.of("exists", "true", "false") + `}`
	case 2:
		return `{"$ne":` + d.plain() + `}`
	case 3:
		return `{"$in":[` + d.plain() + `,` + d.plain() + `]}`
	case 4:
		return `{"$nin":[` + d.plain() + `]}`
	case 5:
		return `{"$` + d.of("order", "gt", "gte", "lt", "lte") + `":` + d.plain() + `}`
	case 6:
		return `{"$type":` + d.of("type", `"string"`, `"array"`, `"number"`, `"null"`, `["object","bool"]`) + `}`
	case 7:
		return `{"$size":` + d.of("size", "0", "1", "2") + `}`
	case 8:
		return `{"$all":[` + d.plain() + `,` + d.plain() + `]}`
	case 9:
		return `{"$elemMatch":{"` + d.of("inner", "a", "b") + `":` + d.test() + `}}`
	case 10:
		return `{"$elemMatch":{"$gt":` + d.of("low", "0", "1") + `}}`
	case 11:
		return `{"$not":{"$eq":` + d.plain() + `}}`
	case 12:
		return `{"$regex":"^u"}`
	default:
		return `{"$mod":[2,1]}`
	}
}

func (d drawer) condition(depth int) string {
	if depth > 0 {
		switch d.number("junction", 5) {
		case 0:
			return `{"$and":[` + d.condition(depth-1) + `,` + d.condition(depth-1) + `]}`
		case 1:
			return `{"$or":[` + d.condition(depth-1) + `,` + d.condition(depth-1) + `]}`
		case 2:
			return `{"$not":` + d.condition(depth-1) + `}`
		}
	}
	switch d.number("condition", 11) {
	case 0:
		return `{}`
	case 1:
		return `{"%%user.id":"%%root.` + d.path() + `"}`
	case 2:
		return `{"%%user.id":{"$` + d.of("in", "in", "nin", "ne") + `":"%%root.` + d.path() + `"}}`
	case 3:
		return `{"` + d.path() + `":"%%user.data.` + d.of("claim", "list", "none", "nulls", "doc", "one") + `"}`
	case 4:
		return `{"` + d.path() + `":{"$` + d.of("op", "in", "nin", "eq", "ne") + `":"%%user.data.` + d.of("claim", "list", "nulls", "one") + `"}}`
	case 5:
		return `{"%%this.` + d.of("below", "a", "b") + `":` + d.test() + `}`
	case 6:
		return `{"%%this":` + d.test() + `}`
	case 7:
		return `{"` + d.path() + `":{"%stringToOid":"%%root.` + d.path() + `"}}`
	case 8:
		return `{"%%prevRoot":{"%exists":` + d.of("exists", "true", "false") + `}}`
	default:
		return `{"` + d.path() + `":` + d.test() + `}`
	}
}

func (d drawer) permission(label string) string {
	switch d.number(label, 3) {
	case 0:
		return `,"` + label + `":` + d.condition(1)
	case 1:
		return `,"` + label + `":` + d.of(label, "true", "false")
	}
	return ""
}

func (d drawer) fields(depth int) string {
	var out []string
	for _, name := range []string{"_id", "a", "b", "c"} {
		if d.number("listed", 1) == 0 {
			continue
		}
		f := d.permission("read") + d.permission("write")
		if depth > 0 && d.number("nested", 1) == 0 {
			f += `,"fields":{` + d.fields(depth-1) + `}`
		}
		out = append(out, `"`+name+`":{`+strings.TrimPrefix(f, ",")+`}`)
	}
	return strings.Join(out, ",")
}

func (d drawer) role(i int) string {
	r := fmt.Sprintf(`{"name":"r%d","apply_when":%s`, i, d.condition(2))
	if d.number("whole", 1) == 0 {
		r += d.permission("read") + d.permission("write")
	}
	if d.number("gate", 4) == 0 {
		r += `,"document_filters":{` + strings.TrimPrefix(d.permission("read")+d.permission("write"), ",") + `}`
	}
	r += `,"fields":{` + d.fields(1) + `}`
	if d.number("additional", 2) == 0 {
		r += `,"additional_fields":{` + strings.TrimPrefix(d.permission("read")+d.permission("write"), ",") + `}`
	}
	return r + `}`
}

func (d drawer) filter(depth int) string {
	var out []string
	for i := range 1 + d.number("tests", 1) {
		if depth > 0 && d.number("logic", 3) == 0 {
			out = append(out, `"$`+[]string{"or", "nor"}[i]+`":[`+d.filter(depth-1)+`,`+d.filter(depth-1)+`]`)
			continue
		}
		out = append(out, `"`+[]string{d.path(), "b.c"}[i]+`":`+d.test())
	}
	return `{` + strings.Join(out, ",") + `}`
}

// rules draws a file of rules, with a query filter now and then.
func (d drawer) rules() (file string, filtered bool) {
	var roles []string
	for i := range 1 + d.number("roles", 2) {
		roles = append(roles, d.role(i))
	}
	filters := ``
	if d.number("filters", 3) == 0 {
		filters = `{"name":"f","apply_when":true,"query":` + d.filter(0) + `,"projection":` +
			d.of("projection", `{}`, `{"a":0}`, `{"a.b":0}`, `{"a":1}`, `{"b":1,"_id":0}`) + `}`
	}
	return rulesFile(strings.Join(roles, ","), filters), filters != ``
}

// drawnUser is whom the drawn rules are for.
func drawnUser(t testing.TB) rules.User {
	t.Helper()
	return rules.User{ID: "ua", Type: rules.NormalUser, Data: mustDoc(t, `{"list":["ua","x",1],"nulls":["ua",null],"doc":{"a":1},"one":1}`)}
}

// Whatever of the view matches is asked for, and an exact query asks for nothing else.
func TestNarrowIsSound(t *testing.T) {
	exact, narrowed, matches := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		d := drawer{rt}
		file, _ := d.rules()
		policy := compile(t, file, rules.Options{})
		rs, _ := policy.Collection(ns)
		user := drawnUser(t)
		b, err := rs.Bind(&user, rules.CustomData{}, &rules.Request{Operation: "find"})
		if err != nil {
			rt.Fatal(err)
		}
		client := d.filter(1)
		f := mustFilter(t, client)
		n := b.Plan().Narrow(mustDoc(t, client), f)
		var asked *query.Filter
		if n.Query != nil {
			if asked, err = query.Parse(n.Query, query.Options{Trusted: true}); err != nil {
				rt.Fatalf("%s\nasks %s: %v", file, show(t, n.Query), err)
			}
		}
		if n.Exact {
			exact++
		} else {
			narrowed++
		}
		decider := b.Decider()
		for range 12 {
			stored := mustDoc(t, `{"_id":`+d.of("id", `1`, `"ua"`)+`,"a":`+d.value(3)+`,"b":`+d.value(2)+`}`)
			view, visible, err := decider.View(nil, stored)
			want := err == nil && visible && f.Match(view)
			got := !n.None && (asked == nil || asked.Match(stored))
			if want {
				matches++
			}
			if (want && !got) || (n.Exact && want != got) {
				rt.Fatalf("rules %s\nfilter %s\nasks %s (exact %v, none %v)\nstored %s\nview %s %v\nwanted %v, asked for %v",
					file, client, show(t, n.Query), n.Exact, n.None, show(t, stored), show(t, view), err, want, got)
			}
		}
	})
	if exact == 0 || narrowed == 0 || matches == 0 {
		t.Errorf("%d exact and %d narrowed plans, %d matches: this compares too little", exact, narrowed, matches)
	}
	t.Logf("%d exact and %d narrowed plans, %d matches", exact, narrowed, matches)
}

// show prints a document that may be none.
func show(t testing.TB, doc bson.Raw) string {
	t.Helper()
	if doc == nil {
		return "nothing"
	}
	return text(t, doc)
}
