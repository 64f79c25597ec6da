package server

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rolegate/rolegate/internal/auth"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/internal/source"
)

// The codes of the diagnostics of this package. Each has a page in docs/diagnostics.
const (
	CodeAliasTaken      = "alias-taken"
	CodeInvalidSetting  = "invalid-setting"
	CodeNotBuilt        = "not-built-yet"
	CodeNoFunction      = "no-such-function"
	CodeNoAppID         = "no-app-id"
	CodeSeveralTokens   = "several-token-providers"
	CodeUnknownService  = "unknown-service"
	CodeUnknownSetting  = "unknown-setting"
	CodeUnmappedService = "unmapped-data-source"
)

// Codes lists every code that this package may report besides those of config and rules.
func Codes() []string {
	return []string{
		CodeAliasTaken, CodeInvalidSetting, CodeNotBuilt, CodeNoFunction, CodeNoAppID, CodeSeveralTokens, CodeUnknownService, CodeUnknownSetting,
		CodeUnmappedService,
	}
}

// settings is the file of settings:
//
//	{
//	  // Where each data source of the app is, and what else clients call it. Without a uri it is --mongodb-uri.
//	  "data_sources": {"mongodb-atlas": {"uri": "mongodb://…", "aliases": ["Cluster0"]}},
//	  "compat": "app-services",          // refuse in requests what App Services refused
//	  "update_post_image_check": false,  // the role of the stored document alone decides an update
//	  "null_type_schema_validation": true, // schemas accept null for fields that are not required
//	  "insert_status": 201,              // of successful inserts, else 200
//	  "user_rate": 100,                  // requests a second of one user; 0 is any number
//	  "custom_user_data_ttl": "5s",      // how long reads remember custom user data; "0s" reads it every time
//	  "user_cache_ttl": "5s",            // how long users are remembered that another process may revoke; "0s" is not at all
//	  "user_webhook": "https://mailer.example.com/rolegate", // is told of tokens that users shall get by mail
//	  "public_url": "https://api.example.com", // where clients reach this server, if not under the name they ask for
//	  "trusted_proxies": ["10.0.0.0/8"], // whose X-Forwarded-For says who the client is
//	  "ip_access_list": ["192.0.2.0/24"], // who may ask anything; without it everybody, with an empty one nobody
//	  "jwks_private_hosts": ["issuer.internal"], // whose JWKS may be at addresses of private networks
//	  "limits": {"request_timeout": "300s"}
//	}
//
// It may have comments. Its keys are checked strictly: a setting that is not understood must not be missed silently.
type settings struct {
	dataSources    map[string]dataSource
	trustedProxies []netip.Prefix
	access         accessList
	privateHosts   []string // of key sets, in lower case

	appServices    bool // compat
	skipPostImage  bool
	nullSchemas    bool
	insertStatus   int
	userRate       float64 // 0 is the default, negative is off
	customDataTTL  time.Duration
	userCacheTTL   time.Duration
	publicURL      string // without a slash at its end
	webhook        string // empty is none
	maxBody        int64
	maxResponse    int64
	maxConcurrent  int64
	requestTimeout time.Duration
	bodyTimeout    time.Duration
	functionTime   time.Duration // of one call; 0 is the default
	endpointTime   time.Duration // of the function of an endpoint; 0 is the default
	scan           int64
	writeTargets   int64
	inserts        int64
	memory         int64
}

// dataSource is where a data source is. The zero value is at the default place.
type dataSource struct {
	uri     string
	aliases []*source.Value // strings
	span    source.Span     // its name
}

// reader is the function that reads the value of one key.
type reader func(v *source.Value)

// readSettings reads the file; nil is an empty one.
func readSettings(f *source.File) (settings, source.Diagnostics) {
	s := settings{customDataTTL: 5 * time.Second, userCacheTTL: 5 * time.Second}
	if f == nil {
		return s, nil
	}
	v, ds := source.Parse(&source.File{Name: f.Name, Text: withoutComments(f.Text)})
	point(ds, f)
	if v == nil {
		return s, ds
	}
	r := settingsReader{file: f, ds: &ds}
	r.object("", v, map[string]reader{
		"data_sources": func(v *source.Value) { s.dataSources = r.dataSources(v) },
		"compat": func(v *source.Value) {
			s.appServices = r.text(v, "compat") == "app-services"
			if !s.appServices && v.Kind == source.String {
				r.refuse(v, `the only value is "app-services"`, "compat has no such value")
			}
		},
		"update_post_image_check":     func(v *source.Value) { s.skipPostImage = !r.flag(v, "update_post_image_check") },
		"null_type_schema_validation": func(v *source.Value) { s.nullSchemas = r.flag(v, "null_type_schema_validation") },
		"insert_status": func(v *source.Value) {
			if s.insertStatus = int(r.number(v, "insert_status", 0, 999)); s.insertStatus != 200 && s.insertStatus != 201 {
				r.refuse(v, "", "insert_status must be 200 or 201")
			}
		},
		"user_rate": func(v *source.Value) {
			if s.userRate = r.number(v, "user_rate", 0, 1e6); s.userRate == 0 {
				s.userRate = -1
			} else if s.userRate < 1 {
				r.refuse(v, "0 is no limit", "user_rate must be 0 or at least 1")
			}
		},
		"custom_user_data_ttl": func(v *source.Value) { s.customDataTTL = r.duration(v, "custom_user_data_ttl", 0, time.Hour) },
		"user_cache_ttl":       func(v *source.Value) { s.userCacheTTL = r.duration(v, "user_cache_ttl", 0, time.Hour) },
		"public_url":           func(v *source.Value) { s.publicURL = r.origin(v, "public_url") },
		"user_webhook":         func(v *source.Value) { s.webhook = r.address(v, "user_webhook") },
		"trusted_proxies":      func(v *source.Value) { s.trustedProxies = r.networks(v, "trusted_proxies") },
		"ip_access_list": func(v *source.Value) {
			s.access = accessList{restricted: true, networks: r.networks(v, "ip_access_list")}
		},
		"jwks_private_hosts": func(v *source.Value) { s.privateHosts = r.hosts(v, "jwks_private_hosts") },
		"limits":             func(v *source.Value) { r.limits(v, &s) },
	})
	return s, ds
}

func (r settingsReader) limits(v *source.Value, s *settings) {
	whole := func(to *int64, name string) reader {
		return func(v *source.Value) {
			n := r.number(v, name, 1, 1<<40)
			if n != math.Trunc(n) {
				r.refuse(v, "", "%s must be a whole number", name)
			}
			*to = int64(n)
		}
	}
	span := func(to *time.Duration, name string) reader {
		return func(v *source.Value) { *to = r.duration(v, name, time.Second, time.Hour) }
	}
	readers := map[string]reader{
		"request_timeout": span(&s.requestTimeout, "request_timeout"),
		"body_timeout":    span(&s.bodyTimeout, "body_timeout"),
		"function_time": func(v *source.Value) {
			s.functionTime = r.duration(v, "function_time", time.Millisecond, jsfunc.MaxTime)
		},
		"endpoint_time": func(v *source.Value) {
			s.endpointTime = r.duration(v, "endpoint_time", time.Millisecond, jsfunc.MaxEndpointTime)
		},
	}
	for name, to := range map[string]*int64{
		"body_bytes": &s.maxBody, "response_bytes": &s.maxResponse, "concurrent_requests": &s.maxConcurrent,
		"scanned_documents": &s.scan, "written_documents": &s.writeTargets, "inserted_documents": &s.inserts, "memory_bytes": &s.memory,
	} {
		readers[name] = whole(to, name)
	}
	r.object("limits", v, readers)
}

// settingsReader reads values and reports what is wrong with them.
type settingsReader struct {
	file *source.File
	ds   *source.Diagnostics
}

// laterSettings are known to the design and have no effect yet. Accepting them would promise what does not happen.
func laterSettings() []string {
	return []string{"result_order"}
}

// flagNames are given on the command line or in the environment, not in the file.
func flagNames() []string {
	return []string{
		"admin_listen", "allowed_origins", "app", "app_id", "insecure_http", "listen", "log_level", "mongodb_uri", "quarantine",
		"secrets_dir", "store_database", "tls_cert", "tls_key",
	}
}

func (r settingsReader) object(where string, v *source.Value, readers map[string]reader) {
	if v.Kind != source.Object {
		r.refuse(v, "", "%s must be an object, not %s", orElse(where, "the settings"), v.Kind)
		return
	}
	var known []string
	for name := range readers {
		known = append(known, name)
	}
	slices.Sort(known)
	for i := range v.Members {
		m := &v.Members[i]
		read, ok := readers[m.Name]
		switch {
		case ok:
			read(m.Value)
		case where == "" && slices.Contains(laterSettings(), m.Name):
			r.ds.Error(r.at(m.NameSpan), CodeNotBuilt, "remove it", "the setting %q is not available yet", m.Name)
		case where == "" && slices.Contains(flagNames(), m.Name):
			flag := "--" + strings.ReplaceAll(m.Name, "_", "-")
			r.ds.Error(r.at(m.NameSpan), CodeUnknownSetting, "give it as "+flag+" or ROLEGATE_"+strings.ToUpper(m.Name),
				"%q is not a setting of this file", m.Name)
		default:
			hint := "it may be one of " + strings.Join(known, ", ")
			if near := source.Nearest(m.Name, known); near != "" {
				hint = `did you mean "` + near + `"?`
			}
			r.ds.Error(r.at(m.NameSpan), CodeUnknownSetting, hint, "%s no key %s", orElse(where+" has", "the settings have"), source.Quote(m.Name))
		}
	}
}

func (r settingsReader) dataSources(v *source.Value) map[string]dataSource {
	out := map[string]dataSource{}
	readers := map[string]reader{}
	if v.Kind == source.Object {
		for i := range v.Members {
			m := &v.Members[i]
			readers[m.Name] = func(v *source.Value) {
				d := dataSource{span: r.at(m.NameSpan)}
				r.object("a data source", v, map[string]reader{
					"uri":     func(v *source.Value) { d.uri = r.text(v, "uri") },
					"aliases": func(v *source.Value) { d.aliases = r.texts(v, "aliases") },
				})
				out[m.Name] = d
			}
		}
	}
	r.object("data_sources", v, readers)
	return out
}

// at points into the text as it was written: comments are blanked, so that every byte keeps its place.
func (r settingsReader) at(s source.Span) source.Span {
	s.File = r.file
	return s
}

func (r settingsReader) refuse(v *source.Value, hint, format string, args ...any) {
	r.ds.Error(r.at(v.Span), CodeInvalidSetting, hint, format, args...)
}

func (r settingsReader) text(v *source.Value, name string) string {
	if v.Kind != source.String || v.Str == "" {
		r.refuse(v, "", "%s must be a string that is not empty", name)
		return ""
	}
	return v.Str
}

func (r settingsReader) texts(v *source.Value, name string) []*source.Value {
	if v.Kind != source.Array {
		r.refuse(v, "", "%s must be an array of strings, not %s", name, v.Kind)
		return nil
	}
	var out []*source.Value
	for _, x := range v.Items {
		if r.text(x, "each of "+name) != "" {
			x.Span = r.at(x.Span)
			out = append(out, x)
		}
	}
	return out
}

func (r settingsReader) networks(v *source.Value, name string) []netip.Prefix {
	var out []netip.Prefix
	for _, x := range r.texts(v, name) {
		p, err := parsePrefix(x.Str)
		if err != nil {
			r.refuse(x, `such as "10.1.2.3" or "10.0.0.0/8"`, "%s is neither an address nor a network", source.Quote(x.Str))
			continue
		}
		out = append(out, p)
	}
	return out
}

// hosts reads what stands for a host in a URL: names and addresses, without scheme and port.
func (r settingsReader) hosts(v *source.Value, name string) []string {
	var out []string
	for _, x := range r.texts(v, name) {
		_, err := netip.ParseAddr(x.Str)
		if err != nil && strings.Trim(strings.ToLower(x.Str), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			r.refuse(x, `such as "issuer.internal"`, "%s is no host: no scheme, no port, no wildcard", source.Quote(x.Str))
			continue
		}
		out = append(out, strings.ToLower(x.Str))
	}
	return out
}

// address reads where another program is told what must not be read on the way.
func (r settingsReader) address(v *source.Value, name string) string {
	text := r.text(v, name)
	if _, err := auth.CheckURL(text); text != "" && err != nil {
		r.refuse(v, `such as "https://mailer.example.com/rolegate"`, "%s must be an https address, or http on this machine", name)
	}
	return text
}

// origin reads scheme and host of this server.
func (r settingsReader) origin(v *source.Value, name string) string {
	text := strings.TrimSuffix(r.text(v, name), "/")
	if scheme, _, _ := strings.Cut(text, "://"); text != "" && (!isOrigin(text) || scheme != "http" && scheme != "https") {
		r.refuse(v, `such as "https://api.example.com"`, "%s must be scheme://host or scheme://host:port", name)
	}
	return text
}

func (r settingsReader) flag(v *source.Value, name string) bool {
	if v.Kind != source.Bool {
		r.refuse(v, "", "%s must be true or false, not %s", name, v.Kind)
		return true
	}
	return v.Bool
}

func (r settingsReader) number(v *source.Value, name string, least, most float64) float64 {
	n, err := strconv.ParseFloat(v.Str, 64)
	if v.Kind != source.Number || err != nil || n < least || n > most {
		r.refuse(v, "", "%s must be a number from %.0f to %.0f", name, least, most)
		return most
	}
	return n
}

func (r settingsReader) duration(v *source.Value, name string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(v.Str)
	if v.Kind != source.String || err != nil || d < least || d > most {
		r.refuse(v, `written as "5s" or "2m30s"`, "%s must be a duration from %s to %s", name, least, most)
		return most
	}
	return d
}

// point makes diagnostics point into another file with the same places.
func point(ds source.Diagnostics, f *source.File) {
	for i := range ds {
		ds[i].Span.File = f
	}
}

// withoutComments blanks // and /* */ outside of strings. Lines and columns stay what they are.
func withoutComments(text []byte) []byte {
	out := slices.Clone(text)
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			if out[i] != '\n' {
				out[i] = ' '
			}
		}
	}
	for i := 0; i < len(out); i++ {
		rest := string(out[i:min(i+2, len(out))])
		switch {
		case out[i] == '"':
			for i++; i < len(out) && out[i] != '"'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case rest == "//":
			end := i
			for end < len(out) && out[end] != '\n' {
				end++
			}
			blank(i, end)
			i = end
		case rest == "/*":
			end := strings.Index(string(out[i+2:]), "*/")
			if end < 0 {
				return out // an error, like any other text that is no JSON
			}
			blank(i, i+2+end+2)
			i += 2 + end + 1
		}
	}
	return out
}

func orElse(s, other string) string {
	if strings.TrimSpace(s) == "" || s == " has" {
		return other
	}
	return s
}
