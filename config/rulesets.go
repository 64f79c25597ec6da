package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

// namespace is a database and a collection.
type namespace struct{ database, collection string }

func (n namespace) String() string { return n.database + "." + n.collection }

// rulesets collects the rulesets of one service. It sees to it that a problem denies every namespace that it may concern, and
// that no namespace with a problem is left to the default rule.
type rulesets struct {
	*loader
	service *Service
	byNS    map[namespace]*Ruleset
	denied  map[namespace]source.Span // besides those of their own files
}

func newRulesets(l *loader, s *Service) *rulesets {
	return &rulesets{loader: l, service: s, byNS: map[namespace]*Ruleset{}, denied: map[namespace]source.Span{}}
}

// finish hands the rulesets over, in the order of their names.
func (r *rulesets) finish() {
	s := r.service
	for ns, at := range r.denied {
		if r.byNS[ns] == nil {
			r.byNS[ns] = &Ruleset{Database: ns.database, Collection: ns.collection, Span: at}
		}
		r.byNS[ns].Broken = true
	}
	for _, rs := range r.byNS {
		rs.Service = s.Name
		s.Rulesets = append(s.Rulesets, rs)
	}
	slices.SortFunc(s.Rulesets, func(a, b *Ruleset) int {
		return cmp.Or(cmp.Compare(a.Database, b.Database), cmp.Compare(a.Collection, b.Collection))
	})
	if s.DefaultRule != nil {
		s.DefaultRule.Service = s.Name
	}
}

// put adds a ruleset with its problems. The second ruleset of a namespace makes both unusable.
func (r *rulesets) put(ns namespace, rs *Ruleset, ds source.Diagnostics) {
	rs.Database, rs.Collection = ns.database, ns.collection
	if first := r.byNS[ns]; first != nil {
		ds.Error(rs.Span, CodeDuplicateNS, "keep one of the two files", "the namespace %s has rules already, in %s",
			source.Quote(ns.String()), first.Span.File.Name)
		rs = first
		rs.Broken = true
	}
	rs.Broken = rs.Broken || ds.HasErrors()
	r.byNS[ns] = rs
	r.confined(ds)
}

func (r *rulesets) defaultRule(name string) {
	v, ds := r.parse(name)
	rs := &Ruleset{Span: unread(name)}
	if v != nil {
		rs.read(v, "the default rule", false, &ds)
	}
	rs.Broken = ds.HasErrors()
	r.service.DefaultRule = rs
	r.confined(ds)
}

func (r *rulesets) database(dir entry) {
	for _, e := range r.list(dir.path, &r.service.problems) {
		if e.dir {
			r.collection(namespace{dir.name(), e.name()}, e.path)
		}
	}
}

// collection reads data_sources/<service>/<database>/<collection>/.
func (r *rulesets) collection(ns namespace, dir string) {
	var ds source.Diagnostics
	rs := &Ruleset{Span: whole(dir)}
	inside := ns
	empty := true
	files := r.list(dir, &ds)
	for _, e := range files {
		known, problems := misnamed(e, files, "rules.json", "schema.json", "relationships.json")
		ds = append(ds, problems...)
		if !known {
			continue
		}
		empty = false
		v, problems := r.parse(e.path)
		ds = append(ds, problems...)
		switch {
		case v == nil:
		case e.name() == "rules.json":
			rs.read(v, "a rules file", true, &ds)
			inside = contentNames(v, ns)
		case e.name() == "schema.json":
			rs.schema(v, &ds)
		default:
			relationships(v, &ds)
		}
	}
	if empty && !ds.HasErrors() {
		return
	}
	if inside != ns {
		ds.Error(rs.Span, CodeNamespaceMismatch, "move the file, or correct database and collection in it",
			"the file is about %s but lies in the directory of %s", source.Quote(inside.String()), source.Quote(ns.String()))
	}
	checkNamespace(ns, rs.Span, &ds)
	r.put(ns, rs, ds)
	if inside != ns {
		r.denied[inside] = rs.Span // whichever of the two is right, the other may rely on it
	}
}

// legacyFile reads services/<service>/rules/<database>.<collection>.json. The names inside the file win over its own, which
// were those of the namespace once and survived its renaming.
func (r *rulesets) legacyFile(name, stem string) {
	v, ds := r.parse(name)
	database, collection, _ := strings.Cut(stem, ".")
	ns := namespace{database, collection}
	rs := &Ruleset{Span: unread(name)}
	if v == nil || v.Kind != source.Object {
		if v != nil {
			rs.read(v, "a rules file", true, &ds)
		}
		// Which namespace it is about nobody knows; it may be any that has no other file.
		r.service.denyDefault()
		r.put(ns, rs, ds)
		return
	}
	rs.Span = v.Span
	rs.read(v, "a rules file", true, &ds)
	if s := v.Get("schema"); s != nil {
		rs.schema(s, &ds)
	}
	if rel := v.Get("relationships"); rel != nil {
		relationships(rel, &ds)
	}
	inside := contentNames(v, ns)
	if inside != ns {
		ds.Warn(rs.Span, CodeNamespaceMismatch, "", "the file is about %s, not %s as its name says", source.Quote(inside.String()), source.Quote(ns.String()))
	}
	if inside.database == "" || inside.collection == "" {
		// There is no such namespace, so the rules never granted anything to anybody. Whatever they were meant for
		// must not be left to the default rule.
		ds.Warn(rs.Span, CodeInvalidNS, "name database and collection in the file; rules for every collection belong into default_rule.json",
			"the namespace %s has an empty name: these rules grant nothing", source.Quote(inside.String()))
		rs.Broken = true
		r.service.denyDefault()
		r.denied[ns] = rs.Span
		r.put(inside, rs, ds)
		return
	}
	checkNamespace(inside, rs.Span, &ds)
	r.put(inside, rs, ds)
}

// misnamed tells whether a file has one of the known names, and reports one that comes close: a rules file with a spelling
// mistake in its name would leave its collection to the default rule. It is only odd where the right one exists too.
func misnamed(e entry, files []entry, names ...string) (known bool, ds source.Diagnostics) {
	if e.dir || slices.Contains(names, e.name()) {
		return !e.dir, nil
	}
	stem, ok := strings.CutSuffix(strings.ToLower(e.name()), ".json")
	if !ok {
		return false, nil
	}
	for _, name := range names {
		right := strings.TrimSuffix(name, ".json")
		if stem != right && source.Nearest(stem, []string{right}) == "" {
			continue
		}
		d := source.Diagnostic{
			Code: CodeMisnamedFile, Span: e.span(), Message: "nothing is read from this file", Hint: `did you mean "` + name + `"?`,
		}
		if slices.ContainsFunc(files, func(f entry) bool { return f.name() == name }) {
			d.Severity = source.Warning
		}
		ds = append(ds, d)
	}
	return false, ds
}

// contentNames are the names inside a rules file, each replaced by that of the path where it is absent.
func contentNames(v *source.Value, ns namespace) namespace {
	if x := v.Get("database"); x != nil && x.Kind == source.String {
		ns.database = x.Str
	}
	if x := v.Get("collection"); x != nil && x.Kind == source.String {
		ns.collection = x.Str
	}
	return ns
}

// checkNamespace refuses names that MongoDB refuses or keeps for itself. Rules for the databases of the server and of App
// Services would never be used: nobody is served from them.
func checkNamespace(ns namespace, at source.Span, ds *source.Diagnostics) {
	problem := ""
	switch {
	case strings.ContainsAny(ns.String(), "\x00/\\"):
		problem = "has a name with NUL, / or \\"
	case strings.ContainsAny(ns.database, ". \"$"):
		problem = "has a database with a character that MongoDB does not allow"
	case strings.HasPrefix(ns.collection, "$"):
		problem = "has a collection that starts with $"
	case strings.HasPrefix(ns.collection, "system.") || strings.HasPrefix(ns.collection, "."):
		problem = "has a collection that belongs to the server"
	case len(ns.database) > 63 || len(ns.String()) > 255:
		problem = "has a name that is too long"
	case slices.Contains([]string{"admin", "local", "config"}, ns.database) || strings.HasPrefix(ns.database, "__realm"):
		problem = fmt.Sprintf("lies in the database %s, which is never served", ns.database)
	}
	if problem != "" {
		ds.Error(at, CodeInvalidNS, "", "the namespace %s %s", source.Quote(ns.String()), problem)
	}
}

// schema keeps the schema of a collection for those who check documents against it.
func (rs *Ruleset) schema(v *source.Value, ds *source.Diagnostics) {
	if v.Kind != source.Object {
		ds.Error(v.Span, CodeWrongType, "", "a schema must be an object, not %s", v.Kind)
		return
	}
	if rs.Span.File.Text == nil { // there is no rules file to point at
		rs.Span = v.Span
	}
	rs.Schema = v
}

// relationships are of no use here, so that what is odd about them is at most worth a warning.
func relationships(v *source.Value, ds *source.Diagnostics) {
	shape := shape{"a relationship", []key{
		{name: "ref", kinds: aString},
		{name: "source_key", kinds: aString},
		{name: "foreign_key", kinds: aString},
		{name: "is_list", kinds: aBool},
	}, false, nil}
	var found source.Diagnostics
	if v.Kind != source.Object {
		found.Warn(v.Span, CodeWrongType, "", "relationships must be an object, not %s", v.Kind)
	}
	for _, m := range v.Members {
		shape.check(m.Value, &found)
	}
	for _, d := range found {
		d.Severity = source.Warning
		*ds = append(*ds, d)
	}
}
