package config

import (
	"cmp"
	"path"
	"slices"

	"github.com/rolegate/rolegate/internal/source"
)

// services reads the data sources: data_sources/ of today and services/ of before, which also holds services of third parties.
func (l *loader) services() {
	var ds source.Diagnostics
	for _, e := range l.list("data_sources", &ds) {
		if e.dir {
			l.dataSource(e)
		}
	}
	for _, e := range l.list("services", &ds) {
		if e.dir {
			l.legacyService(e, &ds)
		}
	}
	slices.SortStableFunc(l.app.Services, func(a, b *Service) int { return cmp.Compare(a.Name, b.Name) })
	for i, s := range l.app.Services {
		if i > 0 && l.app.Services[i-1].Name == s.Name {
			ds.Error(s.Span, CodeDuplicate, "rename or remove one of them", "a second data source is named %s, after %s",
				source.Quote(s.Name), l.app.Services[i-1].Span)
		}
		l.confined(s.problems)
		if s.problems.HasErrors() || s.Type == dataLake {
			s.deny()
		}
	}
	l.report(ds)
}

// deny marks everything of a service as broken.
func (s *Service) deny() {
	s.denyDefault()
	for _, rs := range s.Rulesets {
		rs.Broken = true
	}
}

// denyDefault makes sure that collections without rules of their own are denied rather than given the default rule.
func (s *Service) denyDefault() {
	if s.DefaultRule == nil {
		s.DefaultRule = &Ruleset{Service: s.Name, Span: s.Span}
	}
	s.DefaultRule.Broken = true
}

func serviceShape() shape {
	return shape{"a data source", []key{
		{name: "id", kinds: aString},
		{name: "_id", kinds: aString},
		{name: "name", kinds: aString, required: true},
		{name: "type", kinds: aString, required: true},
		{name: "config", kinds: aMap},
		{name: "secret_config", kinds: aMap},
		{name: "version", kinds: aNumber},
	}, false, nil}
}

func serviceConfigShape() shape {
	return shape{"the config of a data source", []key{
		{name: "clusterName", kinds: aString},
		{name: "clusterId", kinds: aString},
		{name: "clusterType", kinds: aString},
		{name: "groupId", kinds: aString},
		{name: "orgId", kinds: aString},
		{name: "hostname", kinds: aString},
		{name: "regionName", kinds: aString},
		{name: "readPreference", kinds: aString},
		{name: "readPreferenceTagSets", kinds: anArray},
		{name: "wireProtocolEnabled", kinds: aBool},
		{name: "namespacePreimageConfigs", kinds: anArray},
		{name: "dataLakeName", kinds: aString},
		{name: "federatedInstanceName", kinds: aString},
		{name: "sync", kinds: aMap},
		{name: "flexible_sync", kinds: aMap},
	}, false, nil}
}

// dataLake is a type of data source that has neither rules nor writes, only the system user may read it.
const dataLake = "datalake"

// serviceTypes are those of MongoDB.
func serviceTypes() []string { return []string{"mongodb-atlas", "mongodb", dataLake} }

// describe reads what config.json says about a service.
func (s *Service) describe(v *source.Value) {
	ds := &s.problems
	s.Span = v.Span
	if !serviceShape().check(v, ds) {
		return
	}
	s.Type, s.id = text(v, "type"), cmp.Or(text(v, "id"), text(v, "_id"))
	s.Name = cmp.Or(text(v, "name"), s.Name)
	if s.Name != "" && v.Get("name") != nil && !plainName(s.Name, 64) {
		ds.Warn(v.Get("name").Span, CodeInvalidValue, "", "the name of a data source has up to 64 letters, digits, - and _")
	}
	c := v.Get("config")
	if c == nil || !serviceConfigShape().check(c, ds) {
		return
	}
	s.ClusterName, s.ReadPreference = text(c, "clusterName"), text(c, "readPreference")
	oneOf(c, "readPreference", ds, "primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest")
	if s.Type == dataLake {
		ds.Warn(v.Get("type").Span, CodeIgnored, "", "a data lake is not served: everything in it is denied")
	}
}

// dataSource reads data_sources/<service>/ with its directories of databases and collections.
func (l *loader) dataSource(dir entry) {
	s := &Service{Name: dir.name(), Type: "mongodb-atlas", Span: whole(dir.path)}
	l.app.Services = append(l.app.Services, s)
	r := newRulesets(l, s)
	v, problems := l.parse(path.Join(dir.path, "config.json"))
	s.problems = problems
	if v != nil {
		s.describe(v)
		if n := v.Get("name"); n != nil && s.Name != dir.name() {
			s.problems.Error(n.Span, CodeNameMismatch, "rename the directory or the data source", "the directory of this data source is called %s", source.Quote(dir.name()))
		}
		if t := v.Get("type"); t != nil && s.Type != "" && !slices.Contains(serviceTypes(), s.Type) {
			s.problems.Error(t.Span, CodeInvalidValue, "it may be one of mongodb-atlas, datalake", "%s is not a type of data source", source.Quote(s.Type))
		}
	} else if !problems.HasErrors() {
		s.problems.Warn(whole(dir.path), CodeMissingKey, "", "the data source has no config.json; it is taken for a cluster of that name")
	}
	files := l.list(dir.path, &s.problems)
	for _, e := range files {
		known, problems := misnamed(e, files, "default_rule.json", "config.json")
		s.problems = append(s.problems, problems...)
		switch {
		case e.dir:
			r.database(e)
		case known && e.name() == "default_rule.json":
			r.defaultRule(e.path)
		}
	}
	r.finish()
}

// legacyService reads services/<service>/ with rules/<database>.<collection>.json, if it is one of MongoDB.
func (l *loader) legacyService(dir entry, ds *source.Diagnostics) {
	s := &Service{Name: dir.name(), Span: whole(dir.path)}
	v, problems := l.parse(path.Join(dir.path, "config.json"))
	s.problems = problems
	if v != nil && v.Kind == source.Object && !problems.HasErrors() && foreign(v) {
		ds.Warn(v.Span, CodeIgnored, "", "services of type %s are not served", source.Quote(text(v, "type")))
		return
	}
	l.app.Services = append(l.app.Services, s)
	if v != nil {
		s.describe(v)
		if n := v.Get("name"); n != nil && s.Name != dir.name() {
			s.problems.Warn(n.Span, CodeNameMismatch, "", "the directory of this data source is called %s; the name inside the file counts", source.Quote(dir.name()))
		}
	} else if !problems.HasErrors() {
		s.problems.Error(whole(dir.path), CodeMissingKey, "add config.json with name and type", "the service has no config.json")
	}
	r := newRulesets(l, s)
	for _, e := range l.list(dir.path, &s.problems) {
		switch {
		case e.dir && e.name() == "rules":
			for _, file := range l.list(e.path, &s.problems) {
				if stem, ok := file.stem(); ok {
					r.legacyFile(file.path, stem)
				}
			}
		case !e.dir && e.name() == "default_rule.json":
			r.defaultRule(e.path)
		case e.dir && e.name() == "incoming_webhooks" && len(l.list(e.path, ds)) > 0:
			ds.Warn(whole(e.path), CodeIgnored, "", "incoming webhooks are not served")
		}
	}
	r.finish()
}

// foreign tells whether a service has a type that is none of MongoDB.
func foreign(v *source.Value) bool {
	t := v.Get("type")
	return t != nil && t.Kind == source.String && t.Str != "" && !slices.Contains(serviceTypes(), t.Str)
}
