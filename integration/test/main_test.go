package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The command runs cases on a database of its own, which ends with it, and exits as rolegate test does.
func TestCommand(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	broken := t.TempDir()
	if err := os.CopyFS(broken, os.DirFS("../../examples/employees/app")); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(broken, "data_sources/mongodb-atlas/hr/employees/rules.json")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	wider := strings.Replace(string(text), `"salary": {"read": true, "write": false}`, `"salary": {"read": true, "write": true}`, 1)
	if err := os.WriteFile(name, []byte(wider), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		out  string
	}{
		{"passes", []string{"../../examples/employees"}, 0, " passed, 0 failed"},
		{"fails", []string{"-app", broken, "-run", "walk", "../../examples/employees"}, exitFailed, "its fields.salary.write is true"},
		{"bad expression", []string{"-run", "(", "../../examples/employees"}, exitFailure, ""},
		{"no directory", nil, exitFailure, ""},
	} {
		var out, talk strings.Builder
		if code := run(t.Context(), c.args, &out, &talk); code != c.code || !strings.Contains(out.String(), c.out) {
			t.Errorf("%s: exit code %d, want %d; out:\n%s\ntalk:\n%s", c.name, code, c.code, &out, &talk)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
