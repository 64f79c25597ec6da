package pipeline_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/pipeline"
)

// walker looks for names in a pipeline without knowing what stands where.
type walker struct {
	names, queries, variables map[string]bool
}

func newWalker(t testing.TB) walker {
	t.Helper()
	set := func(files ...string) map[string]bool {
		out := map[string]bool{}
		for _, file := range files {
			allowed, _ := entries(t, file)
			for _, e := range allowed {
				out[e.name] = true
			}
		}
		return out
	}
	return walker{names: set("stages.txt", "expressions.txt", "accumulators.txt", "window.txt"), queries: set("query.txt"), variables: set("variables.txt")}
}

var bound = regexp.MustCompile(`^\$\$[a-z][A-Za-z0-9_]*$`)

// look returns the first name that should not be there, "" if there is none. Strings in a filter are data.
func (w walker) look(v bson.RawValue, inFilter bool) string {
	switch v.Type {
	case bson.TypeString:
		if text := v.StringValue(); strings.HasPrefix(text, "$") && !inFilter && !w.isReference(text) {
			return text
		}
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		elements, err := bson.Raw(v.Value).Elements()
		if err != nil {
			return err.Error()
		}
		names := w.names
		if inFilter {
			names = w.queries
		}
		for _, e := range elements {
			key := e.Key()
			switch {
			case strings.HasPrefix(key, "$") && !names[key], strings.Contains(key, ".$"):
				return key
			case key == "$literal":
				continue
			}
			if found := w.look(e.Value(), inFilter || key == "$match"); found != "" {
				return found
			}
		}
	case bson.TypeUndefined, bson.TypeDBPointer, bson.TypeJavaScript, bson.TypeCodeWithScope, bson.TypeSymbol:
		return v.Type.String()
	}
	return ""
}

func (w walker) isReference(text string) bool {
	name, _, _ := strings.Cut(text, ".")
	if strings.HasPrefix(name, "$$") && !w.variables[name] && !bound.MatchString(name) {
		return false
	}
	return text != "$" && !strings.Contains(text, ".$") && !strings.Contains(text, "..") && !strings.HasSuffix(text, ".")
}

// FuzzParse checks that whatever is accepted has only names of the lists, and that nothing makes the parser panic. The
// input is a document whose values are the stages, or else a stage that is broken.
func FuzzParse(f *testing.F) {
	for _, text := range examples(f) {
		seed := bson.D{}
		for _, stage := range stages(f, text) {
			seed = append(seed, bson.E{Key: "s", Value: stage})
		}
		raw, err := bson.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	w := newWalker(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		written := []bson.Raw{raw}
		if values, err := bson.Raw(raw).Values(); err == nil {
			written = nil
			for _, v := range values {
				written = append(written, v.Value)
			}
		}
		p, err := pipeline.Parse(written, pipeline.Options{})
		var refused *pipeline.Error
		switch {
		case err != nil && (!errors.As(err, &refused) || refused.Msg == "" || len(refused.Msg) > 300):
			t.Fatalf("refused with %v", err)
		case err != nil:
			return
		case len(p.Stages()) != len(written):
			t.Fatal("stages are missing")
		}
		for _, st := range p.Stages() {
			if found := w.look(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: st.Raw}, false); found != "" {
				t.Fatalf("%s is accepted with %q", st.Raw, found)
			}
		}
		p.Leading()
	})
}
