package rules_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// corpusDir holds real exports. They may not be redistributed, so they lie beside the repository, if at all.
const corpusDir = "../../shared/corpus"

// Every real export either loads or says exactly where and why not.
func TestCorpus(t *testing.T) {
	dirs, err := os.ReadDir(corpusDir)
	if err != nil {
		t.Skipf("NO CORPUS: %s is not there, real exports are not tried", corpusDir)
	}
	var table []string
	loaded := 0
	for _, dir := range dirs {
		if !dir.IsDir() {
			continue
		}
		root, err := os.OpenRoot(filepath.Join(corpusDir, dir.Name()))
		if err != nil {
			t.Fatal(err)
		}
		a, ds := config.Load(root.FS(), config.Options{})
		_ = root.Close()
		refused := !a.Usable
		_, more := rules.Compile(a, rules.Options{Functions: declared(a)})
		var codes []string
		for _, d := range append(ds, more...) {
			checkPlace(t, dir.Name(), d)
			if d.Severity == source.Error && !slices.Contains(codes, d.Code) {
				codes = append(codes, d.Code)
			}
		}
		slices.Sort(codes)
		switch {
		case len(codes) == 0:
			loaded++
			continue
		case slices.Contains(codes, expr.CodeFunction):
			t.Errorf("%s: functions keep it from loading: %v", dir.Name(), codes)
		}
		how := "serves under quarantine"
		if refused {
			how = "refused"
		}
		table = append(table, fmt.Sprintf("%-52s %-24s %s", dir.Name(), how, strings.Join(codes, " ")))
	}
	t.Logf("%d load\n%s", loaded, strings.Join(table, "\n"))
	if loaded < 73 {
		t.Errorf("%d apps load, want at least 73", loaded)
	}
}

// declared takes every function that an export declares for one that can run: the sources were not collected.
func declared(a *config.App) map[string]string {
	functions := map[string]string{}
	for _, f := range a.Functions {
		functions[f.Name] = ""
	}
	return functions
}

// checkPlace holds that a diagnostic points into the file that it names.
func checkPlace(t *testing.T, app string, d source.Diagnostic) {
	t.Helper()
	if d.Span.File == nil {
		if d.Code != config.CodeNoRootFile && d.Code != config.CodeNoApp {
			t.Errorf("%s: %v has no file", app, d)
		}
		return
	}
	if text := d.Span.File.Text; text != nil && (d.Span.Start > len(text) || d.Span.End > len(text) || d.Span.Start > d.Span.End) {
		t.Errorf("%s: %v points outside of its file", app, d)
	}
}
