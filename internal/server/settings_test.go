package server

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolegate/rolegate/internal/source"
)

func file(text string) *source.File { return &source.File{Name: "settings.jsonc", Text: []byte(text)} }

func TestReadSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       settings
	}{
		{"empty", `{}`, settings{customDataTTL: 5 * time.Second, userCacheTTL: 5 * time.Second}},
		{
			"everything", `
			// where
			{"data_sources": {"a": {"uri": "mongodb://x", "aliases": ["b", "c"]}, "d": {}},
			"trusted_proxies": ["10.1.2.3", "::ffff:10.1.2.4", "10.9.9.9/8"],
			"ip_access_list": ["::ffff:192.0.2.0/120", "2001:db8::/32"],
			"jwks_private_hosts": ["Issuer.internal", "10.0.0.7", "fd00::1"],
			/* what */ "compat": "app-services", "update_post_image_check": false, "null_type_schema_validation": true, "insert_status": 201, "user_rate": 2.5,
			"custom_user_data_ttl": "0s", "user_cache_ttl": "1s", "public_url": "https://x.example:8443/", "limits": {"request_timeout": "1m", "body_timeout": "2s", "body_bytes": 1,
			"response_bytes": 2, "concurrent_requests": 3, "scanned_documents": 4, "written_documents": 5,
			"inserted_documents": 6, "memory_bytes": 7}}`,
			settings{
				dataSources: map[string]dataSource{
					"a": {uri: "mongodb://x", aliases: []*source.Value{{Kind: source.String, Str: "b"}, {Kind: source.String, Str: "c"}}},
					"d": {},
				},
				trustedProxies: []netip.Prefix{
					netip.MustParsePrefix("10.1.2.3/32"), netip.MustParsePrefix("10.1.2.4/32"), netip.MustParsePrefix("10.0.0.0/8"),
				},
				access:       accessList{true, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}},
				privateHosts: []string{"issuer.internal", "10.0.0.7", "fd00::1"},
				appServices:  true, skipPostImage: true, nullSchemas: true, insertStatus: 201, userRate: 2.5,
				requestTimeout: time.Minute, bodyTimeout: 2 * time.Second, maxBody: 1, maxResponse: 2, maxConcurrent: 3,
				userCacheTTL: time.Second, publicURL: "https://x.example:8443", scan: 4, writeTargets: 5, inserts: 6, memory: 7,
			},
		},
		{"nobody may come in", `{"ip_access_list": []}`, settings{
			customDataTTL: 5 * time.Second, userCacheTTL: 5 * time.Second, access: accessList{restricted: true},
		}},
		{"a check that is on", `{"update_post_image_check": true}`, settings{customDataTTL: 5 * time.Second, userCacheTTL: 5 * time.Second}},
		{"a rate of 0 is off, not the default", `{"user_rate": 0}`, settings{customDataTTL: 5 * time.Second, userCacheTTL: 5 * time.Second, userRate: -1}},
		{"comments inside of strings", `{"data_sources": {"a//b": {"uri": "mongodb:/*x*/\"//"}}}`, settings{
			customDataTTL: 5 * time.Second, userCacheTTL: 5 * time.Second,
			dataSources: map[string]dataSource{"a//b": {uri: `mongodb:/*x*/"//`}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, ds := readSettings(file(c.text))
			if len(ds) > 0 {
				t.Fatalf("diagnostics: %v", ds)
			}
			opts := cmp.Options{
				cmp.AllowUnexported(settings{}, dataSource{}, accessList{}),
				cmpopts.IgnoreFields(dataSource{}, "span"),
				cmpopts.IgnoreFields(source.Value{}, "Span"),
				cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
			}
			if diff := cmp.Diff(c.want, got, opts); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
	if got, ds := readSettings(nil); got.customDataTTL != 5*time.Second || ds != nil {
		t.Errorf("no file: %v, %v", got, ds)
	}
}

// TestSettingsRefused holds that whatever is not understood is an error. The texts are in the command's scripts.
func TestSettingsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, where, code string }{
		{``, "1:1", source.CodeMalformed},
		{`[]`, "1:1", CodeInvalidSetting},
		{`{"compat": "app-services", "compat": "app-services"}`, "1:28", source.CodeDuplicateName},
		{`{/* open`, "1:2", source.CodeMalformed},
		{"{\n// a comment\n  \"x\": 1}", "3:3", CodeUnknownSetting},
		{`{"result_order": "natural"}`, "1:2", CodeNotBuilt},
		{`{"ip_access_list": "192.0.2.1"}`, "1:20", CodeInvalidSetting},
		{`{"ip_access_list": ["192.0.2.1", "everybody"]}`, "1:34", CodeInvalidSetting},
		{`{"mongodb_uri": "x"}`, "1:2", CodeUnknownSetting},
		{`{"update_post_image_check": "false"}`, "1:29", CodeInvalidSetting},
		{`{"insert_status": "201"}`, "1:19", CodeInvalidSetting},
		{`{"user_rate": 0.5}`, "1:15", CodeInvalidSetting},
		{`{"compat": ""}`, "1:12", CodeInvalidSetting},
		{`{"custom_user_data_ttl": "-1s"}`, "1:26", CodeInvalidSetting},
		{`{"limits": []}`, "1:12", CodeInvalidSetting},
		{`{"limits": {"body_bytes": 1.5}}`, "1:27", CodeInvalidSetting},
		{`{"limits": {"request_timeout": "1ms"}}`, "1:32", CodeInvalidSetting},
		{`{"data_sources": []}`, "1:18", CodeInvalidSetting},
		{`{"data_sources": {"a": "mongodb://x"}}`, "1:24", CodeInvalidSetting},
		{`{"data_sources": {"a": {"uri": ""}}}`, "1:32", CodeInvalidSetting},
		{`{"data_sources": {"a": {"aliases": "b"}}}`, "1:36", CodeInvalidSetting},
		{`{"data_sources": {"a": {"aliases": [1]}}}`, "1:37", CodeInvalidSetting},
		{`{"trusted_proxies": ["10.0.0.0/33"]}`, "1:22", CodeInvalidSetting},
		{`{"jwks_private_hosts": "issuer.internal"}`, "1:24", CodeInvalidSetting},
		{`{"jwks_private_hosts": ["https://issuer.internal"]}`, "1:25", CodeInvalidSetting},
		{`{"jwks_private_hosts": ["a", "issuer.internal:443"]}`, "1:30", CodeInvalidSetting},
		{`{"jwks_private_hosts": ["*.internal"]}`, "1:25", CodeInvalidSetting},
	} {
		_, ds := readSettings(file(c.text))
		if !ds.HasErrors() {
			t.Errorf("%s: no error", c.text)
			continue
		}
		if got := ds[0].Span.String(); got != "settings.jsonc:"+c.where || ds[0].Code != c.code {
			t.Errorf("%s: %s at %s, want %s at %s", c.text, ds[0].Code, got, c.code, c.where)
		}
	}
}

// FuzzSettings holds that blanking comments keeps every place, and that no text is too much.
func FuzzSettings(f *testing.F) {
	f.Add(`{"a": "//", /* x */ "b": 1} // y`)
	f.Add("/*\n*/ {}")
	f.Add(`"\`)
	f.Fuzz(func(t *testing.T, text string) {
		blanked := withoutComments([]byte(text))
		if len(blanked) != len(text) {
			t.Fatalf("%d bytes became %d", len(text), len(blanked))
		}
		for i := range blanked {
			if blanked[i] != text[i] && (blanked[i] != ' ' || text[i] == '\n') {
				t.Fatalf("byte %d of %q became %q", i, text, blanked[i])
			}
		}
		readSettings(file(text))
	})
}
