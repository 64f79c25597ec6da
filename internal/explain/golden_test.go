package explain_test

import (
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/explain"
	"github.com/rolegate/rolegate/internal/jsfunc"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

var update = flag.Bool("update", false, "rewrite the reports in testdata")

var ns = rules.Namespace{Service: "mongodb-atlas", Database: "app", Collection: "c"}

// TestReports reads testdata/*.txtar: what the case shows, the rules of app.c, what is asked, and the reports about it. The
// files besides those of the export are user.json, filter.json, sort.json, doc.json, operation and secrets.json.
func TestReports(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range ar.Files {
				files[f.Name] = string(f.Data)
			}
			r, err := explain.New(options(t, files))
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range ar.Files {
				var out strings.Builder
				switch f.Name {
				case "want.txt":
					err = r.WriteText(&out)
				case "want.json":
					err = r.WriteJSON(&out)
				default:
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				for name, value := range secrets(t, files) {
					if strings.Contains(out.String(), value) {
						t.Errorf("%s shows the secret %s", f.Name, name)
					}
				}
				if diff := cmp.Diff(files[f.Name], out.String()); diff != "" && !*update {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
				ar.Files[i].Data = []byte(out.String())
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// options are those of a request, by the names of its files. What a case leaves out of the export is supplied.
func options(t testing.TB, files map[string]string) explain.Options {
	t.Helper()
	fsys := fstest.MapFS{
		"root_config.json": {Data: []byte(`{"app_id": "demo-abcde", "config_version": 20210101, "name": "demo"}`)},
		"data_sources/mongodb-atlas/config.json": {
			Data: []byte(`{"name": "mongodb-atlas", "type": "mongodb-atlas", "config": {"clusterName": "Cluster0"}}`),
		},
	}
	for name, text := range files {
		if strings.Contains(name, "/") {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	if text, ok := files["rules.json"]; ok {
		fsys["data_sources/mongodb-atlas/app/c/rules.json"] = &fstest.MapFile{Data: []byte(text)}
	}
	given := secrets(t, files)
	app, ds := config.Load(fsys, config.Options{
		Secrets:    func(name string) (string, bool) { s, ok := given[name]; return s, ok },
		Evaluating: true,
	})
	values := map[string]string{}
	for value, name := range app.Secrets {
		values[value] = given[name]
	}
	functions, problems := jsfunc.Compile(app, jsfunc.Limits{Time: jsfunc.MaxTime})
	ds = append(ds, problems...)
	policy, more := rules.Compile(app, rules.Options{Secrets: values, Functions: functions.Callable()})
	if ds = append(ds, more...); ds.HasErrors() {
		t.Fatal(report(ds))
	}
	p := proxy.Config{Policy: policy, Functions: functions, Log: slog.New(slog.DiscardHandler)}
	if d := app.CustomUserData; d != nil && d.Enabled {
		p.CustomData = &proxy.CustomDataSource{
			NS: rules.Namespace{Service: d.Service, Database: d.Database, Collection: d.Collection}, UserIDField: d.UserIDField,
		}
	}
	return explain.Options{
		Proxy: p, Namespace: ns, User: mustUser(t, files["user.json"]), Operation: strings.TrimSpace(files["operation"]),
		Filter: mustDoc(t, files["filter.json"]), Sort: mustDoc(t, files["sort.json"]), Document: mustDoc(t, files["doc.json"]),
		Update: mustDoc(t, files["update.json"]), Many: files["many"] != "",
	}
}

func secrets(t testing.TB, files map[string]string) map[string]string {
	t.Helper()
	given := map[string]string{}
	if text, ok := files["secrets.json"]; ok {
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			t.Fatal(err)
		}
	}
	return given
}

func report(ds source.Diagnostics) string {
	var b strings.Builder
	_ = ds.WriteText(&b)
	return b.String()
}
