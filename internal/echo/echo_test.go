package echo_test

import (
	"strings"
	"testing"

	"github.com/rolegate/rolegate/internal/echo"
)

func TestName(t *testing.T) {
	for s, want := range map[string]string{
		"":                        "",
		"a ~":                     "a ~",
		"a\nb\x00\x7f\x1b[m":      "a?b???[m",
		"éx":                      "??x",
		"\xff\xfe":                "??",
		strings.Repeat("x", 63):   strings.Repeat("x", 63),
		strings.Repeat("x", 65):   strings.Repeat("x", 64),
		strings.Repeat("x", 1000): strings.Repeat("x", 64),
	} {
		if got := echo.Name(s); got != want {
			t.Errorf("Name(%q) = %q, want %q", s, got, want)
		}
	}
	if got := echo.Text("abc", 2); got != "ab" {
		t.Errorf("Text = %q", got)
	}
}
