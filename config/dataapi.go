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

	// What follows restricts or changes the user of every request. See ServeProblems.
	CanEvaluate       *source.Value // nil when absent
	ValidationMethod  string
	SecretName        string
	RunAsSystem       bool
	RunAsUserID       string
	RunAsUserIDScript string

	value *source.Value
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
	d.RunAsUserIDScript = text(v, "run_as_user_id_script_source")
	d.SecretName = text(v, "secret_name")
	l.validation(d, v, ds)
	if d.RunAsUserID != "" && d.RunAsUserIDScript != "" {
		ds.Error(v.Get("run_as_user_id_script_source").Span, CodeConflictingKeys, "keep one of them",
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

// ServeProblems reports what an app demands that cannot be done yet and must not be left out either, because it restricts
// who may do what. Such an app can be validated, not served.
func ServeProblems(app *App) source.Diagnostics {
	var ds source.Diagnostics
	if d := app.DataAPI; d != nil && !d.Disabled {
		refuse := func(there bool, names ...string) {
			if !there {
				return
			}
			at := d.Span
			for _, name := range names {
				if m := d.value.Member(name); m != nil {
					at = m.NameSpan
				}
			}
			ds.Error(at, CodeNotBuilt, "remove the key if the app does not need it",
				"the Data API demands %q, which is not built yet and cannot be ignored", names[0])
		}
		refuse(!alwaysTrue(d.CanEvaluate), "can_evaluate")
		refuse(d.ValidationMethod != "", "validation_method", "verification_method")
		if m := d.value.Member("run_as_system"); d.RunAsSystem && m != nil {
			ds.Warn(m.NameSpan, CodeRunsAsSystem, "remove the key if the rules are to apply",
				"every request of the Data API runs as the system: it needs no credentials, and no rule, filter or schema applies")
			return ds // it decides, whatever the next ones say
		}
		refuse(d.RunAsUserID != "", "run_as_user_id")
		refuse(d.RunAsUserIDScript != "", "run_as_user_id_script_source")
	}
	return ds
}

// alwaysTrue recognises the expressions that restrict nothing.
func alwaysTrue(v *source.Value) bool {
	return v == nil || v.Kind == source.Bool && v.Bool || v.Kind == source.Object && len(v.Members) == 0
}

// dataNotFetched warns about rules that depend on custom user data when the Data API does not fetch it.
func (l *loader) dataNotFetched() {
	d := l.app.DataAPI
	if d == nil || d.FetchCustomUserData == nil || *d.FetchCustomUserData {
		return
	}
	var ds source.Diagnostics
	for _, s := range l.app.Services {
		for _, rs := range s.all() {
			rs.expressions(func(v *source.Value) {
				eachString(v, func(str string, at source.Span) {
					if str == "%%user.custom_data" || strings.HasPrefix(str, "%%user.custom_data.") {
						ds.Warn(at, CodeDataNotFetched, "set fetch_custom_user_data to true in data_api_config.json",
							"this never holds for requests of the Data API, which does not fetch custom user data")
					}
				})
			})
		}
	}
	l.report(ds)
}
