package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []string // lines, or parts of them, in order
		ok   bool
	}{
		"all well": {
			in: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"noise\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":1.25}
{"Action":"skip","Package":"empty"}`,
			want: []string{"pass p (1.2s)", "1 tests passed, 0 failed, 0 skipped in 1 packages"},
			ok:   true,
		},
		"a skip says why": {
			in: `{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:12: no server: here\n"}
{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"pass","Package":"p"}`,
			want: []string{"skipped TestB: no server: here", "skipped TestC: no reason given", "1 tests passed, 0 failed, 2 skipped"},
			ok:   true,
		},
		"a failure shows its output": {
			in: `{"Action":"output","Package":"p","Test":"TestA","Output":"want 1\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"fail","Package":"p"}`,
			want: []string{"--- FAIL: p TestA", "want 1", "FAIL", "fail p"},
		},
		"a failure outside of a test": {
			in: `{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"panic: boom\n"}
{"Action":"fail","Package":"p"}`,
			want: []string{"panic: boom", "fail p"},
		},
		"a package that does not build": {
			in: `{"ImportPath":"p","Action":"build-output","Output":"p.go:1:1: no\n"}
{"Action":"fail","Package":"p"}`,
			want: []string{"p.go:1:1: no", "fail p"},
		},
		"the go command itself": {in: "no such package", want: []string{"no such package"}},
		"nothing":               {in: ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			err := run(strings.NewReader(tt.in), &out)
			if (err == nil) != tt.ok {
				t.Errorf("error = %v, want ok = %v", err, tt.ok)
			}
			rest := out.String()
			for _, part := range tt.want {
				_, after, found := strings.Cut(rest, part)
				if !found {
					t.Fatalf("%q is missing or out of order in:\n%s", part, out.String())
				}
				rest = after
			}
		})
	}
}
