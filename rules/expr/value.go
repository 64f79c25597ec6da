package expr

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/source"
)

// Value is a value of the configuration in which expansions, conversions and calls of functions may stand. It is immutable.
type Value struct {
	root operand
	uses Uses
}

// ParseValue reads a value. Problems are added to ds; the value is then unresolved.
func ParseValue(v *source.Value, place Place, names Names, ds *source.Diagnostics) *Value {
	p := &parser{place: place, names: names, ds: ds}
	root := p.operand(v)
	if root == nil || p.failed {
		return &Value{}
	}
	return &Value{root: root, uses: usesOf(root.visit)}
}

// Uses tells what of the request the value mentions.
func (v *Value) Uses() Uses { return v.uses }

// Bind evaluates everything that does not depend on the document.
func (v *Value) Bind(s *Scope) BoundValue {
	if v.root == nil {
		return BoundValue{}
	}
	o, _ := v.root.bind(s)
	return BoundValue{o}
}

// BoundValue is a value for one user and one request. The zero value is unresolved.
type BoundValue struct{ o operand }

// Eval finds the value. It is True with one, Unknown where an expansion has none, also one inside of it, and Error where
// finding it failed.
func (v BoundValue) Eval(e *Env) (bson.RawValue, Truth) {
	if v.o == nil {
		return bson.RawValue{}, Unknown
	}
	return whole(v.o, e)
}

func whole(o operand, e *Env) (bson.RawValue, Truth) {
	out, ok := o.eval(e)
	switch {
	case !ok:
		return bson.RawValue{}, Error
	case bsonval.IsMissing(out):
		return bson.RawValue{}, Unknown
	}
	var parts []operand
	switch o := o.(type) {
	case list:
		parts = o.items
	case document:
		parts = o.values
	}
	for _, part := range parts {
		if _, t := whole(part, e); t != True {
			return bson.RawValue{}, t
		}
	}
	return out, True
}

// Reads calls f with each top-level field of the document that the value depends on, as Cond.Reads does.
func (v BoundValue) Reads(f func(field string)) {
	if v.o != nil {
		readsOf(v.o.visit, f)
	}
}
