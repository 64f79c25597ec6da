package config

import (
	"strings"

	"github.com/rolegate/rolegate/internal/source"
)

// DataAPI is the configuration of the HTTP API.
type DataAPI struct {
	Disabled            bool
	Versions            []string // never empty
	ReturnType          string   // JSON or EJSON
	CreateUserOnAuth    *bool    // nil when absent, which differs from false
	FetchCustomUserData *bool    // nil when absent, which means that it is fetched
	LogArguments        bool
	Span                source.Span

	CanEvaluate      *source.Value // nil when absent
	ValidationMethod string        // SECRET_AS_QUERY_PARAM, VERIFY_PAYLOAD or "" for none
	SecretName       string        // of ValidationMethod

	// Who every request runs as, whatever credentials it has. The first that is set decides.
	RunAsSystem       bool
	RunAsUserID       string
	RunAsUserIDScript *source.Value // a string; nil when absent or empty

	value *source.Value
}

// Script is the function that says who a request runs as, nil when there is none or something else decides.
func (d *DataAPI) Script() *source.Value {
	if d == nil || d.Disabled || d.RunAsSystem || d.RunAsUserID != "" {
		return nil
	}
	return d.RunAsUserIDScript
}

// dataAPI reads data_api_config.json, which lives in either of two directories.
func (l *loader) dataAPI() {
	var ds source.Diagnostics
	var found *source.Value
	for _, dir := range []string{"https_endpoints", "http_endpoints"} {
		files := l.list(dir, &ds)
		for _, e := range files {
			known, problems := misnamed(e, files, "data_api_config.json", "config.json")
			ds = append(ds, problems...)
			switch {
			case known && e.name() == "config.json":
				l.endpoints(e.path)
			case e.dir:
				ds.Warn(whole(e.path), CodeIgnored, "list endpoints in "+dir+"/config.json", "webhooks of services are not served")
			case known:
				v, problems := l.parse(e.path)
				ds = append(ds, problems...)
				if v != nil && found != nil {
					ds.Error(v.Span, CodeDuplicate, "keep one of the two", "the Data API is configured twice, first at %s", found.Span)
				}
				if v != nil {
					found = v
				}
			}
		}
	}
	if found != nil {
		l.app.DataAPI = l.readDataAPI(found, &ds)
	}
	l.report(ds)
}

func (l *loader) readDataAPI(v *source.Value, ds *source.Diagnostics) *DataAPI {
	if v.Kind == source.Array && len(v.Items) == 1 {
		v = v.Items[0] // one example of the documentation is written so
	}
	d := &DataAPI{Disabled: true, Span: v.Span, value: v}
	if !dataAPIShape().check(v, ds) {
		return d
	}
	d.Disabled = flag(v, "disabled")
	d.Versions = texts(v, "versions", ds)
	if v.Get("versions") == nil {
		d.Versions = []string{"v1"}
	}
	oneOf(v, "return_type", ds, "JSON", "EJSON")
	if d.ReturnType = text(v, "return_type"); d.ReturnType == "" {
		d.ReturnType = "JSON"
	}
	d.CreateUserOnAuth = optionalFlag(v, "create_user_on_auth")
	d.FetchCustomUserData = optionalFlag(v, "fetch_custom_user_data")
	d.LogArguments = flag(v, "log_function_arguments")
	d.CanEvaluate = expression(v, "can_evaluate")
	d.RunAsSystem = flag(v, "run_as_system")
	d.RunAsUserID = text(v, "run_as_user_id")
	if text(v, "run_as_user_id_script_source") != "" {
		d.RunAsUserIDScript = v.Get("run_as_user_id_script_source")
	}
	d.SecretName = text(v, "secret_name")
	l.validation(d, v, ds)
	if d.RunAsUserID != "" && d.RunAsUserIDScript != nil {
		ds.Error(d.RunAsUserIDScript.Span, CodeConflictingKeys, "keep one of them",
			"requests run either as run_as_user_id or as what a script says")
	}
	return d
}

// validation reads the method under the two names that the documentation gives it.
func (l *loader) validation(d *DataAPI, v *source.Value, ds *source.Diagnostics) {
	const name, alias = "validation_method", "verification_method"
	if v.Get(name) != nil && v.Get(alias) != nil {
		ds.Error(v.Get(alias).Span, CodeConflictingKeys, "keep validation_method", "%q and %q mean the same", name, alias)
	}
	for _, k := range []string{name, alias} {
		oneOf(v, k, ds, "NO_VALIDATION", "SECRET_AS_QUERY_PARAM", "VERIFY_PAYLOAD")
		if m := text(v, k); m != "" && d.ValidationMethod == "" {
			d.ValidationMethod = m
		}
	}
	if d.ValidationMethod == "NO_VALIDATION" {
		d.ValidationMethod = ""
	}
	if d.ValidationMethod != "" && d.SecretName == "" {
		ds.Error(d.Span, CodeMissingKey, "", "%s needs the key %q", d.ValidationMethod, "secret_name")
	} else if d.ValidationMethod != "" {
		l.secretRefs = append(l.secretRefs, secretRef{d.SecretName, v.Get("secret_name").Span, "the Data API", !d.Disabled})
	}
}

func dataAPIShape() shape {
	return shape{"the Data API", []key{
		{name: "disabled", kinds: aBool},
		{name: "versions", kinds: anArray},
		{name: "return_type", kinds: aString},
		{name: "create_user_on_auth", kinds: aBool},
		{name: "run_as_system", kinds: aBool},
		{name: "run_as_user_id", kinds: aString},
		{name: "run_as_user_id_script_source", kinds: aString},
		{name: "can_evaluate", kinds: anExpr},
		{name: "validation_method", kinds: aString},
		{name: "verification_method", kinds: aString},
		{name: "secret_name", kinds: aString},
		{name: "fetch_custom_user_data", kinds: aBool},
		{name: "log_function_arguments", kinds: aBool},
		{name: "id", kinds: aString},
		{name: "_id", kinds: aString},
	}, true, nil}
}

// ServeProblems reports what is no mistake in an app and has to be known before it is served: that nobody is asked for
// credentials.
func ServeProblems(app *App) source.Diagnostics {
	var ds source.Diagnostics
	d := app.DataAPI
	if d == nil || d.Disabled {
		return ds
	}
	at := func(name string) source.Span { return d.value.Member(name).NameSpan }
	const hint = "remove the key if requests are to be those of their senders"
	switch {
	case d.RunAsSystem:
		ds.Warn(at("run_as_system"), CodeRunsAsSystem, "remove the key if the rules are to apply",
			"every request of the Data API runs as the system: it needs no credentials, and no rule, filter or schema applies")
	case d.RunAsUserID != "":
		ds.Warn(at("run_as_user_id"), CodeRunsAsUser, hint,
			"every request of the Data API runs as this user: it needs no credentials")
	case d.Script() != nil:
		ds.Warn(at("run_as_user_id_script_source"), CodeRunsAsUser, hint,
			"every request of the Data API runs as whom this function names, the system included: no credentials are checked")
	}
	return ds
}

// dataNotFetched warns about rules that depend on custom user data when the Data API does not fetch it.
func (l *loader) dataNotFetched() {
	d := l.app.DataAPI
	if d == nil || d.FetchCustomUserData == nil || *d.FetchCustomUserData {
		return
	}
	var ds source.Diagnostics
	look := func(v *source.Value) {
		eachString(v, func(str string, at source.Span) {
			if str == "%%user.custom_data" || strings.HasPrefix(str, "%%user.custom_data.") {
				ds.Warn(at, CodeDataNotFetched, "set fetch_custom_user_data to true in data_api_config.json",
					"this never holds for requests of the Data API, which does not fetch custom user data")
			}
		})
	}
	if d.CanEvaluate != nil {
		look(d.CanEvaluate)
	}
	for _, s := range l.app.Services {
		for _, rs := range s.all() {
			rs.expressions(look)
		}
	}
	l.report(ds)
}
