package config

import (
	"slices"
	"strconv"
	"time"

	"github.com/rolegate/rolegate/internal/source"
)

// rootFiles are the names of the root file through the versions, newest first.
func rootFiles() []string {
	return []string{"root_config.json", "realm_config.json", "config.json", "stitch.json"}
}

// newestVersion is the largest config_version that is known.
const newestVersion = 20230101

// root finds the root file and reads it before templates are replaced, because it selects the environment that they are
// filled from.
func (l *loader) root() {
	var found *source.Value
	var ds source.Diagnostics
	for _, name := range rootFiles() {
		f, problems := l.file(name)
		ds = append(ds, problems...)
		if f == nil {
			continue
		}
		if l.app.Root.Span.File != nil {
			ds.Warn(unread(name), CodeSeveralRootFiles, "", "%s is the root file; this one is ignored", l.app.Root.Span.File.Name)
			continue
		}
		v, _ := source.Parse(f) // its problems are reported by readRoot
		if name == "config.json" && v != nil && v.Get("app_id") == nil && v.Get("config_version") == nil && v.Get("name") == nil {
			delete(l.read, name) // some other program's
			continue
		}
		found = v
		l.app.Root.Span = source.Span{File: f, End: len(f.Text)}
	}
	if l.app.Root.Span.File == nil {
		l.withoutRoot(&ds)
	}
	l.app.Root.Environment = text(found, "environment")
	l.report(ds)
}

// withoutRoot accepts a directory that has data sources all the same.
func (l *loader) withoutRoot(ds *source.Diagnostics) {
	if len(l.list("data_sources", ds))+len(l.list("services", ds)) > 0 {
		ds.Warn(source.Span{}, CodeNoRootFile, "add root_config.json, or give the app id on the command line",
			"the export has no root file")
		return
	}
	ds.Error(source.Span{}, CodeNoApp, "name the directory that holds root_config.json, realm_config.json, config.json or stitch.json",
		"this is no app export: there is neither a root file nor a data source")
}

// readRoot checks the root file.
func (l *loader) readRoot() {
	r := &l.app.Root
	if r.Span.File == nil {
		return
	}
	v, ds := l.parse(r.Span.File.Name)
	defer func() { l.report(ds) }()
	shape := shape{"the root file", []key{
		{name: "app_id", kinds: aString},
		{name: "name", kinds: aString},
		{name: "config_version", kinds: aNumber},
		{name: "deployment_model", kinds: aString},
		{name: "provider_region", kinds: aString},
		{name: "location", kinds: aString},
		{name: "environment", kinds: aString},
		{name: "allowed_request_origins", kinds: anArray},
		{name: "time_zone", kinds: aString},
		{name: "security", kinds: aMap},
		{name: "custom_user_data_config", kinds: aMap},
		{name: "hosting", kinds: aMap},
		{name: "sync", kinds: aMap},
	}, false, nil}
	if v == nil || !shape.check(v, &ds) {
		return
	}
	r.Span = v.Span
	r.AppID, r.Name, r.Deployment = text(v, "app_id"), text(v, "name"), text(v, "deployment_model")
	if r.Location = text(v, "location"); r.Location == "" {
		r.Location = text(v, "provider_region")
	}
	if r.AppID != "" && !plainName(r.AppID, 256) {
		ds.Error(v.Get("app_id").Span, CodeInvalidValue, "", "an app id consists of letters, digits, - and _")
	}
	l.version(v, &ds)
	checkEnvironment(v, &ds)
	r.AllowedOrigins = texts(v, "allowed_request_origins", &ds)
	if s := v.Get("security"); s != nil {
		security := shape.with("security", key{name: "allowed_request_origins", kinds: anArray}, key{name: "allowed_origins", kinds: anArray})
		security.check(s, &ds)
		r.AllowedOrigins = append(r.AllowedOrigins, texts(s, "allowed_request_origins", &ds)...)
		r.AllowedOrigins = append(r.AllowedOrigins, texts(s, "allowed_origins", &ds)...)
	}
	r.TimeZone = timeZone(v, &ds)
	slices.Sort(r.AllowedOrigins)
	r.AllowedOrigins = slices.Compact(r.AllowedOrigins)
}

// timeZone reads a name such as Europe/Berlin. "Local" is not one: an app means the same on every machine.
func timeZone(root *source.Value, ds *source.Diagnostics) *time.Location {
	name := text(root, "time_zone")
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		ds.Error(root.Get("time_zone").Span, CodeInvalidValue, "write a name of the IANA database, such as Europe/Berlin",
			"%s is not a time zone", source.Quote(name))
		return nil
	}
	return zone
}

func (s shape) with(what string, keys ...key) shape { return shape{what, keys, s.strict, s.elsewhere} }

func (l *loader) version(root *source.Value, ds *source.Diagnostics) {
	v := root.Get("config_version")
	if v == nil {
		ds.Warn(source.Span{File: root.Span.File, Start: root.Span.Start, End: root.Span.Start + 1}, CodeUnknownVersion, "",
			"the root file has no config_version; the layout is recognised by the files that exist")
		return
	}
	n, err := strconv.Atoi(v.Str)
	l.app.Root.ConfigVersion = n
	if v.Kind == source.Number && (err != nil || n > newestVersion || n <= 0) {
		ds.Warn(v.Span, CodeUnknownVersion, "", "this config_version is not known; the app is read as if it were %d", newestVersion)
	}
}

func checkEnvironment(root *source.Value, ds *source.Diagnostics) {
	tag := text(root, "environment")
	if tag == "" || slices.Contains(environmentTags(), tag) {
		return
	}
	at := root.Get("environment").Span
	if near := source.Nearest(tag, environmentTags()); near != "" {
		ds.Error(at, CodeInvalidValue, `did you mean "`+near+`"?`, "there is no environment %s", source.Quote(tag))
		return
	}
	ds.Warn(at, CodeInvalidValue, "", "%s is none of the environments of App Services", source.Quote(tag))
}

func environmentTags() []string { return []string{"development", "testing", "qa", "production"} }

// plainName tells whether a name has only letters, digits, - and _, and a sensible length.
func plainName(s string, limit int) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return s != "" && len(s) <= limit
}
