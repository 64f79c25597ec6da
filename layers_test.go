package rolegate_test

import (
	"bufio"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/rolegate/rolegate"

// outside says which of our packages may import a module of others, outside of tests. The values (bson) may be used
// anywhere. Everything else has one place where it can be replaced; see docs/dependencies.md.
var outside = []struct {
	prefix string
	by     []string // nil: everywhere
}{
	{"go.mongodb.org/mongo-driver/v2/bson", nil},
	{"go.mongodb.org/mongo-driver/v2", []string{"internal/mongostore"}},
	{"github.com/go-json-experiment/json", []string{"internal/source", "internal/ejson"}},
	{"github.com/gorilla/mux", []string{"proxy/dataapi", "proxy/clientapi"}},
	{"github.com/MicahParks/keyfunc", []string{"internal/auth"}},
	{"github.com/MicahParks/jwkset", []string{"internal/auth"}},
	{"github.com/golang-jwt/jwt", []string{"internal/auth"}},
	{"github.com/alecthomas/kong", []string{"cmd/rolegate"}},
	{"github.com/prometheus/client_golang", []string{"internal/telemetry"}},
	{"golang.org/x/time/rate", []string{"proxy/dataapi", "internal/auth"}},
	{"github.com/xeipuuv/gojsonschema", []string{"internal/bsonschema"}},
	{"github.com/dop251/goja", []string{"internal/jsfunc"}},
	{"github.com/dlclark/regexp2", []string{"internal/jsfunc"}},
	{"golang.org/x/crypto/argon2", []string{"internal/auth"}},
	{"golang.org/x/sync", nil},
	{"golang.org/x/tools/txtar", []string{"internal/policytest"}},
}

// readLayers reads the table in ARCHITECTURE.md: one line a layer, the upper ones first.
func readLayers(t *testing.T) map[string]int {
	t.Helper()
	f, err := os.Open("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	layers := map[string]int{}
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		switch {
		case line == "<!-- layers -->":
			inside = true
		case inside && strings.HasPrefix(line, "    "):
			words := strings.Fields(line)
			level, err := strconv.Atoi(words[0])
			if err != nil {
				t.Fatalf("ARCHITECTURE.md: layer %q is no number", words[0])
			}
			for _, name := range words[1:] {
				if _, twice := layers[name]; twice {
					t.Errorf("ARCHITECTURE.md: %s stands in two layers", name)
				}
				layers[name] = level
			}
		case inside && line != "":
			return layers
		}
	}
	t.Fatal("ARCHITECTURE.md has no layer table that ends")
	return nil
}

// readImports returns the imports of each package of the root module, without its tests.
func readImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, err := os.Stat(filepath.Join(name, "go.mod"))
			if name != "." && (err == nil || strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(name))
		imports[pkg] = append(imports[pkg], "") // known, even without imports
		for _, spec := range file.Imports {
			what, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports[pkg] = append(imports[pkg], what)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

// TestLayers holds the table: an import may only point down, and each outside module comes in at one place.
func TestLayers(t *testing.T) {
	layers := readLayers(t)
	imports := readImports(t)
	for pkg := range layers {
		if _, exists := imports[pkg]; !exists {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", pkg)
		}
	}
	for pkg, list := range imports {
		level, known := layers[pkg]
		if !known {
			t.Errorf("%s has no layer in ARCHITECTURE.md", pkg)
			continue
		}
		slices.Sort(list)
		for _, what := range slices.Compact(list) {
			own, isOwn := strings.CutPrefix(what, module+"/")
			switch {
			case isOwn && layers[own] >= level:
				t.Errorf("%s (layer %d) imports %s (layer %d): imports point down only", pkg, level, own, layers[own])
			case !isOwn && strings.Contains(strings.SplitN(what, "/", 2)[0], "."):
				checkOutside(t, pkg, what)
			}
		}
	}
}

func checkOutside(t *testing.T, pkg, what string) {
	t.Helper()
	for _, rule := range outside {
		if what != rule.prefix && !strings.HasPrefix(what, rule.prefix+"/") {
			continue
		}
		if rule.by != nil && !slices.Contains(rule.by, pkg) {
			t.Errorf("%s imports %s, which belongs to %s", pkg, what, strings.Join(rule.by, ", "))
		}
		return
	}
	t.Errorf("%s imports %s, which no package is allowed to: add it here and to docs/dependencies.md", pkg, what)
}

// TestDependenciesAreExplained wants a row in docs/dependencies.md for each module that go.mod requires directly.
func TestDependenciesAreExplained(t *testing.T) {
	document, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"go.mod", "integration/go.mod"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			if len(words) != 2 || !strings.HasPrefix(line, "\t") || strings.HasPrefix(words[0], module) || !strings.HasPrefix(words[1], "v") {
				continue
			}
			count++
			if !strings.Contains(string(document), "`"+words[0]+"`") {
				t.Errorf("%s requires %s, which docs/dependencies.md does not explain", file, words[0])
			}
		}
		if count == 0 {
			t.Errorf("%s: no requirements found", file)
		}
	}
}
