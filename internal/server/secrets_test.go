package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The way Kubernetes mounts them: links to links to files.
	write("..2026/jwt-key", "from a link\n")
	for from, to := range map[string]string{"..data": "..2026", "jwt-key": "..data/jwt-key"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	write("windows", "a\r\n")
	write("lines", "a\nb\n\n")
	write("empty", "\n")
	write("both", "file")
	write(".hidden", "x")
	write("sub/inner", "x")
	env := map[string]string{"ROLEGATE_SECRET_BOTH": "variable", "ROLEGATE_SECRET_MY_KEY": "variable", "ROLEGATE_SECRET_EMPTY": "variable"}
	secrets, err := OpenSecrets(dir, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"jwt-key": "from a link", "windows": "a", "lines": "a\nb\n", "both": "file", "my.key": "variable",
		"empty": "", ".hidden": "", "sub": "", "sub/inner": "", "../jwt-key": "", "": "",
	} {
		if got, ok := secrets(name); got != want || ok != (want != "") {
			t.Errorf("secret %q = %q, %v, want %q", name, got, ok, want)
		}
	}
}

func TestOpenSecretsRefuses(t *testing.T) {
	t.Parallel()
	none := func(string) (string, bool) { return "", false }
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	escaping := t.TempDir()
	if err := os.Symlink(filepath.Join(outside, "file"), filepath.Join(escaping, "key")); err != nil {
		t.Fatal(err)
	}
	large := t.TempDir()
	if err := os.WriteFile(filepath.Join(large, "key"), []byte(strings.Repeat("x", maxSecret+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{
		"a link that leads out": escaping, "a huge file": large, "no directory": filepath.Join(outside, "file"), "nothing": filepath.Join(outside, "none"),
	} {
		if _, err := OpenSecrets(dir, none); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
