package update

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// bitwise is $bit: operations that follow one another.
type bitwise struct{ operations []bitOperation }

type bitOperation struct {
	name    string
	operand bson.RawValue
}

func newBit(_ *parser, f field) (change, error) {
	doc, ok := bsonval.Document(f.value)
	if !ok {
		return nil, refuse(codeBadValue, f.op, "takes an object with and, or, xor")
	}
	m := bitwise{}
	it := bsonval.NewIter(doc)
	for it.Next() {
		o := bitOperation{name: string(it.Key()), operand: it.Value()}
		if o.name != "and" && o.name != "or" && o.name != "xor" {
			return nil, refuse(codeBadValue, f.op, "only knows and, or, xor")
		}
		if !isInteger(o.operand) {
			return nil, refuse(codeBadValue, f.op, "takes 32-bit and 64-bit integers")
		}
		m.operations = append(m.operations, o)
	}
	if len(m.operations) == 0 {
		return nil, refuse(codeBadValue, f.op, "needs an operation")
	}
	return m, nil
}

func isInteger(v bson.RawValue) bool { return v.Type == bson.TypeInt32 || v.Type == bson.TypeInt64 }

func (m bitwise) existing(_ *applier, l *leaf, at place) error {
	v := at.node().value()
	if !isInteger(v) {
		return refusePath(codeBadValue, l.op, l.path.text, "is not an integer")
	}
	at.node().set(m.apply(v))
	return nil
}

func (m bitwise) missing(*applier, *leaf, place) (bson.RawValue, absence, error) {
	return m.apply(bsonval.FromInt32(0)), create, nil
}

// apply keeps 32 bits only while all operands have 32.
func (m bitwise) apply(v bson.RawValue) bson.RawValue {
	n, _ := bsonval.Int64(v)
	wide := v.Type == bson.TypeInt64
	for _, o := range m.operations {
		x, _ := bsonval.Int64(o.operand)
		wide = wide || o.operand.Type == bson.TypeInt64
		switch o.name {
		case "and":
			n &= x
		case "or":
			n |= x
		case "xor":
			n ^= x
		}
	}
	if wide {
		return bsonval.FromInt64(n)
	}
	return bsonval.FromInt32(int32(n))
}
