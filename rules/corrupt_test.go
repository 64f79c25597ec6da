package rules_test

import (
	"bytes"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/rules"
)

// A decision about bytes that cannot be read to the end is none: what lies behind the fault has not been judged.
func TestCorruptDocumentsAreDenied(t *testing.T) {
	spoil := func(text string) bson.Raw {
		doc := mustDoc(t, text)
		at := bytes.Index(doc, []byte("\x10bad\x00"))
		if at < 0 {
			t.Fatalf("nothing to spoil in %s", text)
		}
		doc[at] = 0x7e // no type
		return doc
	}
	whole := role(`"fields": {"a": {"write": true}}, "additional_fields": {"write": true}`)
	nested := role(`"fields": {"a": {"fields": {"b": {"write": true}}}}`)
	tests := []struct{ name, roles, pre, post string }{
		{"at the top", whole, `{"a": 1, "bad": 1}`, `{"a": 2}`},
		{"in a document", nested, `{"a": {"b": 1, "bad": 1}}`, `{"a": {"b": 2}}`},
		{"in an array", nested, `{"a": [{"b": 1, "bad": 1}]}`, `{"a": [{"b": 2}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := bind(t, compile(t, rulesFile(tt.roles, ``), rules.Options{})).Decider()
			bad, good := spoil(tt.pre), mustDoc(t, tt.post)
			if got := d.CheckUpdate(rules.Change{Pre: bad, Post: good}); got.Allowed || got.Err == nil {
				t.Errorf("from a corrupt document: %+v", got)
			}
			if got := d.CheckUpdate(rules.Change{Pre: good, Post: bad}); got.Allowed || got.Err == nil {
				t.Errorf("to a corrupt document: %+v", got)
			}
			if got := d.CheckDelete(bad); tt.roles == whole && (got.Allowed || got.Err == nil) {
				t.Errorf("delete: %+v", got)
			}
		})
	}
}
