package server

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

// corpusDir holds real exports. They may not be redistributed, so they lie beside the repository, if at all.
const corpusDir = "../../../shared/corpus"

// TestCorpusFunctions holds that functions keep no real app from being served whole: neither those that rules call nor those
// that decide about users. The sources were not collected, so that each function gets one.
func TestCorpusFunctions(t *testing.T) {
	t.Parallel()
	dirs, err := os.ReadDir(corpusDir)
	if err != nil {
		t.Skipf("NO CORPUS: %s is not there, real exports are not tried", corpusDir)
	}
	// These call functions in rules, and have errors that functions have no part in: see the tests of config and rules.
	refused := map[string][]string{
		"WildAid__o-fish-realm__1":                     {source.CodeMalformed, config.CodeMissingKey},
		"WildAid__o-fish-realm__2":                     {config.CodeDuplicateNS},
		"flowerforce__flowerbase__2":                   {"invalid-projection", config.CodeMissingKey, "no-document-here", config.CodeUnknownKey},
		"visualum-engineers__visualum-mongo-db-app__5": {"misplaced-operator", "unknown-operator"},
		"visualum-engineers__visualum-mongo-db-app__7": {"misplaced-operator", "unknown-operator"},
	}
	calling, deciding := 0, 0
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(corpusDir, d.Name()))); err != nil {
			t.Fatal(err)
		}
		app := mustLoad(t, dir)
		called := calls(app)
		for _, name := range mentioned(app) {
			writeSource(t, dir, name)
		}
		r, err := Validate(dir, func(string) (string, bool) { return "", false }, "")
		if err != nil {
			t.Fatal(err)
		}
		if called {
			calling++
			if diff := cmp.Diff(refused[d.Name()], errorCodes(r.Diagnostics)); diff != "" {
				t.Errorf("%s (-want +got):\n%s\n%v", d.Name(), diff, r.Diagnostics)
			}
		}
		for _, x := range r.Diagnostics {
			if slices.Contains([]string{CodeNoFunction, jsfunc.CodeInvalid, expr.CodeFunction}, x.Code) {
				t.Errorf("%s: %v", d.Name(), x)
			}
		}
		if decides(app) {
			deciding++
		}
	}
	t.Logf("%d apps call functions in rules, in %d functions decide about users", calling, deciding)
	if calling <= len(refused) || deciding == 0 {
		t.Error("too few to tell")
	}
}

func errorCodes(ds source.Diagnostics) []string {
	var codes []string
	for _, d := range ds {
		if d.Severity == source.Error {
			codes = append(codes, d.Code)
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func mustLoad(t *testing.T, dir string) *config.App {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	app, _ := config.Load(root.FS(), config.Options{})
	if err := root.Close(); err != nil {
		t.Fatal(err)
	}
	return app
}

// mentioned are the functions that an app has, calls in rules or names as those that decide about users.
func mentioned(app *config.App) []string {
	var names []string
	for _, f := range app.Functions {
		if f.Source == nil {
			names = append(names, f.Name)
		}
	}
	for _, p := range app.Providers {
		names = append(names, p.Function)
		if p.Passwords != nil {
			names = append(names, p.Passwords.ConfirmFunction, p.Passwords.ResetFunction)
		}
	}
	if app.CustomUserData != nil {
		names = append(names, app.CustomUserData.OnUserCreation)
	}
	for _, s := range app.Services {
		for _, rs := range rulesets(s) {
			if rs.Span.File != nil {
				for _, m := range call.FindAllStringSubmatch(string(rs.Span.File.Text), -1) {
					names = append(names, m[1])
				}
			}
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

var call = regexp.MustCompile(`"%function":\s*\{[^}]*?"name":\s*"([^"]+)"`)

// calls tells whether a file with rules calls a function.
func calls(app *config.App) bool {
	for _, s := range app.Services {
		for _, rs := range rulesets(s) {
			if rs.Span.File != nil && strings.Contains(string(rs.Span.File.Text), `"%function"`) {
				return true
			}
		}
	}
	return false
}

// decides tells whether functions decide about users.
func decides(app *config.App) bool {
	return app.CustomUserData != nil && app.CustomUserData.OnUserCreation != "" || slices.ContainsFunc(app.Providers, func(p *config.Provider) bool {
		return !p.Disabled && (p.Function != "" || p.Passwords != nil && p.Passwords.ConfirmFunction+p.Passwords.ResetFunction != "")
	})
}

// writeSource adds the source of a function, in the layout that the export has.
func writeSource(t *testing.T, dir, name string) {
	t.Helper()
	file := filepath.Join(dir, "functions", filepath.FromSlash(name)+".js")
	if _, err := os.Stat(filepath.Join(dir, "functions", name, "config.json")); err == nil {
		file = filepath.Join(dir, "functions", name, "source.js")
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("exports = () => true;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}
