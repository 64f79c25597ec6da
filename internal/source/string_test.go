package source_test

import "testing"

func TestValueString(t *testing.T) {
	tests := []struct{ text, want string }{
		{"null", "null"},
		{"true", "true"},
		{"false", "false"},
		{"1.50e3", "1.50e3"},
		{`"<a\n\"b\u0001>"`, `"<a\n\"b\u0001>"`},
		{"[]", "[]"},
		{"{\n  \"a\" :[1,{\"b\":null}],\n\t\"c\":\"d\"}", `{"a": [1, {"b": null}], "c": "d"}`},
	}
	for _, tt := range tests {
		v, ds := parse(tt.text)
		if ds.HasErrors() {
			t.Fatalf("%s: %v", tt.text, ds)
		}
		if got := v.String(); got != tt.want {
			t.Errorf("%s is %s, want %s", tt.text, got, tt.want)
		}
	}
}
