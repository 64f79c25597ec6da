package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
)

// corpusDir holds real exports. They may not be redistributed, so that they lie beside the repository, if at all.
const corpusDir = "../../shared/corpus"

// refusal says which codes are to blame for an app that does not load, and which rule makes them errors.
type refusal struct {
	codes []string
	why   string
}

// refusals has every app that does not load. One that is not here must load.
func refusals() map[string]refusal {
	const (
		malformed = "malformed JSON"
		types     = "decision 13: string for a boolean"
		keys      = "decisions 13 and 44: unknown key in a rule"
		twice     = "decision 15: two files for one namespace"
	)
	return map[string]refusal{
		"10gen__realm-cli__3":                          {[]string{source.CodeMalformed}, malformed},
		"10gen__realm-cli__8":                          {[]string{source.CodeMalformed}, malformed},
		"CARRTUSF__carrt-measure-realmBackend":         {[]string{config.CodeDuplicateNS}, twice},
		"WildAid__o-fish-realm__1":                     {[]string{source.CodeMalformed, config.CodeMissingKey}, malformed + " in sixteen functions"},
		"WildAid__o-fish-realm__2":                     {[]string{config.CodeDuplicateNS}, twice},
		"cyzoox__xzacto-backend":                       {[]string{config.CodeNamespaceMismatch}, "decision 15: path and content disagree"},
		"flowerforce__flowerbase__2":                   {[]string{config.CodeMissingKey, config.CodeUnknownKey}, keys + "; an endpoint without a method"},
		"jsimonrichard__QrTracker-atlas-hackathon__1":  {[]string{config.CodeWrongType}, types},
		"visualum-engineers__visualum-mongo-db-app__2": {[]string{config.CodeUnknownKey}, keys},
		"visualum-engineers__visualum-mongo-db-app__3": {[]string{source.CodeMalformed, config.CodeUnknownKey}, malformed + "; " + keys},
		"visualum-engineers__visualum-mongo-db-app__4": {[]string{config.CodeUnknownKey}, keys},
	}
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	dirs, err := os.ReadDir(corpusDir)
	if err != nil {
		t.Skipf("NO CORPUS: %s is not there, real exports are not tried", corpusDir)
	}
	apps, loaded := 0, 0
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		apps++
		app, ds := loadDir(t, filepath.Join(corpusDir, d.Name()))
		checkPlaces(t, d.Name(), ds)
		var blame []string
		for _, x := range ds {
			if x.Severity == source.Error && !slices.Contains(blame, x.Code) {
				blame = append(blame, x.Code)
			}
		}
		slices.Sort(blame)
		want := refusals()[d.Name()]
		if !slices.Equal(blame, want.codes) {
			t.Errorf("%s is refused for %v, want %v", d.Name(), blame, want.codes)
		}
		if len(blame) == 0 {
			loaded++
			continue
		}
		t.Logf("%s refused (usable in quarantine: %v) by %s\n%s", d.Name(), app.Usable, want.why, errorLines(ds))
	}
	t.Logf("%d of %d apps load", loaded, apps)
	if apps != 91 {
		t.Errorf("the corpus has %d apps, want 91", apps)
	}
}

func loadDir(t *testing.T, dir string) (*config.App, source.Diagnostics) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	return config.Load(root.FS(), config.Options{})
}

// checkPlaces holds that every problem of a file that has text is pointed at exactly.
func checkPlaces(t *testing.T, app string, ds source.Diagnostics) {
	t.Helper()
	for _, d := range ds {
		line, column := d.Span.Position()
		f := d.Span.File
		if f == nil {
			if d.Code != config.CodeNoRootFile && d.Code != config.CodeNoApp {
				t.Errorf("%s: %v has no file", app, d)
			}
			continue
		}
		info, err := os.Stat(filepath.Join(corpusDir, app, f.Name))
		if err != nil || f.Text != nil && (line < 1 || column < 1 || d.Span.Start > len(f.Text)) || f.Text == nil && !info.IsDir() {
			t.Errorf("%s: %v points nowhere", app, d)
		}
		if !slices.Contains(config.Codes(), d.Code) || d.Message == "" {
			t.Errorf("%s: %v has no known code", app, d)
		}
	}
}

func errorLines(ds source.Diagnostics) string {
	var out strings.Builder
	n := 0
	for _, d := range ds {
		if d.Severity == source.Error {
			if n++; n > 8 {
				fmt.Fprintf(&out, "    …\n")
				break
			}
			fmt.Fprintf(&out, "    %v\n", d)
		}
	}
	return out.String()
}
