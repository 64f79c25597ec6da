package config

import (
	"path"
	"strconv"

	"github.com/rolegate/rolegate/internal/source"
)

// maxLookupCache bounds for how many seconds the result of a lookup may be kept.
const maxLookupCache = 3600

// lookups reads lookups/<name>.json. Expressions are checked by package rules.
func (l *loader) lookups() {
	var ds source.Diagnostics
	for _, e := range l.list("lookups", &ds) {
		stem, ok := e.stem()
		if !ok {
			ds.Warn(e.span(), CodeIgnored, "", "a lookup is a file with a name that ends in .json")
			continue
		}
		v, problems := l.parse(e.path)
		ds = append(ds, problems...)
		shape := shape{"a lookup", []key{
			{name: "data_source", kinds: aString},
			{name: "database", kinds: aString, required: true},
			{name: "collection", kinds: aString, required: true},
			{name: "match", kinds: aMap, required: true},
			{name: "select", kinds: aString, required: true},
			{name: "cache_seconds", kinds: aNumber},
		}, true, nil}
		if v == nil || !shape.check(v, &ds) {
			continue
		}
		if stem[0] == '-' || stem[0] == '_' || !plainName(stem, 64) {
			ds.Error(v.Span, CodeInvalidValue, "rename "+path.Base(e.path),
				"the name of a lookup has up to 64 letters, digits, - and _, and starts with a letter or digit")
			continue
		}
		l.app.Lookups = append(l.app.Lookups, &Lookup{
			Name: stem, Service: l.lookupService(v, &ds), Database: text(v, "database"), Collection: text(v, "collection"),
			Match: object(v, "match"), Select: v.Get("select"), CacheSeconds: cacheSeconds(v, &ds), Span: v.Span,
		})
	}
	l.report(ds)
}

// lookupService is the data source that a lookup asks: the only one, where it names none.
func (l *loader) lookupService(v *source.Value, ds *source.Diagnostics) string {
	named := v.Get("data_source")
	switch {
	case named == nil && len(l.app.Services) == 1:
		return l.app.Services[0].Name
	case named == nil:
		ds.Error(v.Span, CodeMissingKey, "", "a lookup needs the key %q where the app has several data sources, or none", "data_source")
		return ""
	}
	for _, s := range l.app.Services {
		if s.Name == named.Str {
			return s.Name
		}
	}
	if named.Kind == source.String {
		ds.Error(named.Span, CodeUnknownService, "", "the export has no data source %s", source.Quote(named.Str))
	}
	return named.Str
}

func cacheSeconds(v *source.Value, ds *source.Diagnostics) int {
	x := v.Get("cache_seconds")
	if x == nil || x.Kind != source.Number {
		return 0
	}
	n, err := strconv.Atoi(x.Str)
	if err != nil || n < 0 || n > maxLookupCache {
		ds.Error(x.Span, CodeInvalidValue, "", "%q is a whole number of seconds, at most %d", "cache_seconds", maxLookupCache)
		return 0
	}
	return n
}
