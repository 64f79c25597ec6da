package config

import (
	"github.com/rolegate/rolegate/internal/source"
)

// customUserData reads where the data of users is, from its own file or from the root file of older versions.
func (l *loader) customUserData() {
	v, ds := l.parse("auth/custom_user_data.json")
	var root *source.Value
	if f := l.app.Root.Span.File; f != nil {
		root, _ = l.parse(f.Name) // readRoot has reported its problems
	}
	old := root.Get("custom_user_data_config")
	switch {
	case v == nil:
		v = old
	case flag(v, "enabled") && flag(old, "enabled"):
		ds.Error(old.Span, CodeConflictingKeys, "keep the one in auth/custom_user_data.json", "custom user data is configured twice")
	case flag(old, "enabled"):
		v = old
	}
	defer func() { l.report(ds) }()
	if v == nil {
		return
	}
	shape := shape{"custom user data", []key{
		{name: "enabled", kinds: aBool},
		{name: "mongo_service_name", kinds: aString},
		{name: "mongo_service_id", kinds: aString},
		{name: "database_name", kinds: aString},
		{name: "collection_name", kinds: aString},
		{name: "user_id_field", kinds: aString},
		{name: "on_user_creation_function_name", kinds: aString},
	}, false, nil}
	if !shape.check(v, &ds) {
		return
	}
	c := &CustomUserData{
		Enabled:        flag(v, "enabled"),
		Service:        text(v, "mongo_service_name"),
		Database:       text(v, "database_name"),
		Collection:     text(v, "collection_name"),
		UserIDField:    text(v, "user_id_field"),
		OnUserCreation: text(v, "on_user_creation_function_name"),
		Span:           v.Span,
	}
	l.app.CustomUserData = c
	if c.Enabled {
		l.checkUserData(c, v, &ds)
	}
}

// checkUserData resolves the service. One that the export does not have is left as it is: validating a part of an app is
// possible.
func (l *loader) checkUserData(c *CustomUserData, v *source.Value, ds *source.Diagnostics) {
	for _, name := range []string{"database_name", "collection_name", "user_id_field"} {
		if v.Get(name) == nil || text(v, name) == "" && v.Get(name).Kind == source.String {
			ds.Error(v.Span, CodeMissingKey, "", "enabled custom user data needs the key %q", name)
		}
	}
	id := text(v, "mongo_service_id")
	if c.Service == "" && id == "" {
		ds.Error(v.Span, CodeMissingKey, "", "enabled custom user data needs the key %q", "mongo_service_name")
		return
	}
	for _, s := range l.app.Services {
		if s.Name == c.Service || c.Service == "" && s.id == id {
			c.Service = s.Name
			return
		}
	}
	key := "mongo_service_name"
	if c.Service == "" {
		key, c.Service = "mongo_service_id", id
	}
	ds.Warn(v.Get(key).Span, CodeUnknownService, "", "the export has no data source %s", source.Quote(c.Service))
}
