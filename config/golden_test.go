package config_test

import (
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
)

var update = flag.Bool("update", false, "rewrite the expected diagnostics in testdata")

// TestDiagnostics reads testdata/<code>.txtar: what is wrong in plain words, the files of an export, and the exact text
// that is printed about them. The words may be followed by lines that say what a file cannot show, see golden.
func TestDiagnostics(t *testing.T) {
	t.Parallel()
	for _, name := range goldenFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			g := newGolden(t, ar)
			ds := g.load()
			code := strings.TrimSuffix(filepath.Base(name), ".txtar")
			if !slices.ContainsFunc(ds, func(d source.Diagnostic) bool { return d.Code == code }) {
				t.Errorf("nothing is reported as %s", code)
			}
			var out strings.Builder
			if err := ds.WriteText(&out); err != nil {
				t.Fatal(err)
			}
			if *update {
				ar.Files = append(g.input, txtar.File{Name: "want", Data: []byte(out.String())})
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(g.want, out.String()); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryCodeHasGolden holds that there is one file for each code and none for codes that are gone.
func TestEveryCodeHasGolden(t *testing.T) {
	t.Parallel()
	var got []string
	for _, name := range goldenFiles(t) {
		got = append(got, strings.TrimSuffix(filepath.Base(name), ".txtar"))
	}
	want := config.Codes()
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("testdata (-want +got):\n%s", diff)
	}
	if len(slices.Compact(want)) != len(config.Codes()) {
		t.Errorf("two codes are the same: %v", want)
	}
}

func goldenFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	return names
}

// golden is one export. Lines of the comment change it:
//
//	serving: yes         as for serve, with what only serve refuses
//	pad: FILE SIZE       the file is filled up with blanks
//	many: N              so many files lie in values/
//	link: FILE TARGET    a symbolic link, on a real file system
//
// A file whose name ends in .quoted holds its bytes as a Go string.
type golden struct {
	fsys    fstest.MapFS
	input   []txtar.File
	want    string
	serving bool
	link    []string
	t       *testing.T
}

func newGolden(t *testing.T, ar *txtar.Archive) *golden {
	t.Helper()
	g := &golden{fsys: fstest.MapFS{}, t: t}
	for _, f := range ar.Files {
		name, quoted := strings.CutSuffix(f.Name, ".quoted")
		switch {
		case f.Name == "want":
			g.want = string(f.Data)
			continue
		case quoted:
			text, err := strconv.Unquote(strings.TrimSpace(string(f.Data)))
			if err != nil {
				t.Fatal(err)
			}
			g.fsys[name] = &fstest.MapFile{Data: []byte(text)}
		default:
			g.fsys[name] = &fstest.MapFile{Data: f.Data}
		}
		g.input = append(g.input, f)
	}
	for line := range strings.Lines(string(ar.Comment)) {
		g.directive(strings.TrimSpace(line))
	}
	return g
}

func (g *golden) directive(line string) {
	key, value, _ := strings.Cut(line, ": ")
	args := strings.Fields(value)
	switch key {
	case "serving":
		g.serving = true
	case "pad":
		f, size := g.fsys[args[0]], g.number(args[1])
		f.Data = append(f.Data, strings.Repeat(" ", size-len(f.Data))...)
	case "many":
		for i := range g.number(args[0]) {
			g.fsys[fmt.Sprintf("values/v%d.json", i)] = &fstest.MapFile{Data: []byte("{}")}
		}
	case "link":
		g.link = args
	}
}

func (g *golden) number(s string) int {
	g.t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		g.t.Fatal(err)
	}
	return n
}

func (g *golden) load() source.Diagnostics {
	g.t.Helper()
	var fsys fs.FS = g.fsys
	if g.link != nil {
		fsys = g.onDisk()
	}
	app, ds := config.Load(fsys, config.Options{Serving: g.serving})
	if g.serving {
		ds = append(ds, config.ServeProblems(app)...)
	}
	return ds
}

// onDisk writes the export below a root that nothing leads out of, as it is read in production.
func (g *golden) onDisk() fs.FS {
	g.t.Helper()
	dir := g.t.TempDir()
	app := filepath.Join(dir, "app")
	for _, name := range slices.Sorted(maps.Keys(g.fsys)) {
		g.write(filepath.Join(app, name), g.fsys[name].Data)
	}
	g.write(filepath.Join(dir, "outside.json"), []byte(`{"value": 1}`))
	link := filepath.Join(app, g.link[0])
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Symlink(g.link[1], link); err != nil {
		g.t.Skipf("no symbolic links here: %v", err)
	}
	root, err := os.OpenRoot(app)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = root.Close() })
	return root.FS()
}

func (g *golden) write(name string, data []byte) {
	g.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		g.t.Fatal(err)
	}
}
