package apptest_test

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/rolegate/rolegate/internal/apptest"
)

// TestKeysAreDocumented holds that docs/testing.md explains every key of the JSON form.
func TestKeysAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## JSON and JUnit")
	table, _, _ = strings.Cut(table, "\n## ")
	seen := map[reflect.Type]bool{}
	var visit func(of reflect.Type)
	visit = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || seen[of] {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" && !strings.Contains(table, "`"+key+"`") {
				t.Errorf("docs/testing.md does not explain %q of %s", key, of.Name())
			}
			visit(f.Type)
		}
	}
	visit(reflect.TypeFor[apptest.Report]())
	if len(seen) < 10 {
		t.Errorf("only %d types are looked at", len(seen))
	}
}
