package jsfunc

import (
	"errors"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/dop251/goja"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// boxed is a value of a type that JavaScript does not have, inside an object of one of the classes of BSON. Objects are
// told by it and not by their properties, which data could have, too.
type boxed struct{ v bson.RawValue }

var boxedType = reflect.TypeFor[*boxed]()

// unbox returns what an object of BSON holds.
func unbox(v goja.Value) (bson.RawValue, bool) {
	o, ok := v.(*goja.Object)
	if !ok || o.ExportType() != boxedType {
		return bson.RawValue{}, false
	}
	b, ok := o.Export().(*boxed)
	if !ok {
		return bson.RawValue{}, false
	}
	return b.v, true
}

// box makes an object of the class that a value's type has.
func (r *Runtime) box(v bson.RawValue) *goja.Object {
	o := r.vm.ToValue(&boxed{v}).ToObject(r.vm)
	if err := o.SetPrototype(r.classes[className(v)]); err != nil {
		raise(err)
	}
	return o
}

// primitive is the Go value of what is no object. An object is not exported: that would copy it, as large as it says
// it is.
func primitive(v goja.Value) any {
	switch v.(type) {
	case *goja.Object, *goja.Symbol, nil:
		return nil
	}
	return v.Export()
}

// maxSafe is the largest integer up to which a number holds all of them.
const maxSafe = 1<<53 - 1

// toJS makes a JavaScript value. What is missing is undefined.
func (r *Runtime) toJS(v bson.RawValue) goja.Value {
	switch v.Type {
	case 0, bson.TypeUndefined:
		return goja.Undefined()
	case bson.TypeNull:
		return goja.Null()
	case bson.TypeBoolean:
		b, _ := bsonval.Bool(v)
		return r.vm.ToValue(b)
	case bson.TypeString:
		s, _ := bsonval.String(v)
		return r.vm.ToValue(s)
	case bson.TypeDouble:
		f, _ := bsonval.Double(v)
		return r.vm.ToValue(f)
	case bson.TypeInt32, bson.TypeInt64:
		if n, _ := bsonval.Int64(v); n >= -maxSafe && n <= maxSafe {
			return r.vm.ToValue(n)
		}
	case bson.TypeDateTime:
		ms, _ := bsonval.DateTime(v)
		if d, err := r.vm.New(r.date, r.vm.ToValue(ms)); err == nil {
			return d
		}
	case bson.TypeArray:
		return r.arrayToJS(bson.Raw(v.Value))
	case bson.TypeEmbeddedDocument:
		return r.documentToJS(bson.Raw(v.Value))
	}
	return r.box(bson.RawValue{Type: v.Type, Value: append([]byte(nil), v.Value...)})
}

func (r *Runtime) arrayToJS(doc bson.Raw) goja.Value {
	var items []any
	for it := bsonval.NewIter(doc); it.Next(); {
		items = append(items, r.toJS(it.Value()))
	}
	return r.vm.NewArray(items...)
}

// documentToJS makes own properties of all fields, whatever they are called: one named __proto__ is no prototype.
func (r *Runtime) documentToJS(doc bson.Raw) *goja.Object {
	o := r.vm.NewObject()
	for it := bsonval.NewIter(doc); it.Next(); {
		r.put(o, string(it.Key()), r.toJS(it.Value()))
	}
	return o
}

var errTooLarge = errors.New("its result is too large")

// maxNesting bounds the depth of what functions return; it also ends cycles.
const maxNesting = 100

// fromJS makes a BSON value of at most limit bytes. undefined is missing. Accessors and proxies may run JavaScript, and
// throw.
func (r *Runtime) fromJS(v goja.Value, limit int) (bson.RawValue, error) {
	dst, t, err := r.appendJS(nil, v, limit, 0)
	if err != nil || t == 0 {
		return bson.RawValue{}, err
	}
	return bson.RawValue{Type: t, Value: dst}, nil
}

// appendJS appends the bytes of a value and returns its type, 0 for undefined.
func (r *Runtime) appendJS(dst []byte, v goja.Value, limit, depth int) ([]byte, bson.Type, error) {
	if depth > maxNesting {
		return nil, 0, errors.New("its result is nested too deep")
	}
	if v == nil || goja.IsUndefined(v) {
		return dst, 0, nil
	}
	if goja.IsNull(v) {
		return dst, bson.TypeNull, nil
	}
	if held, ok := unbox(v); ok {
		return bounded(append(dst, held.Value...), held.Type, limit)
	}
	o, ok := v.(*goja.Object)
	if !ok {
		s, err := scalar(v)
		if err != nil {
			return nil, 0, err
		}
		return bounded(append(dst, s.Value...), s.Type, limit)
	}
	switch o.ClassName() {
	case "Array":
		return r.appendArray(dst, o, limit, depth)
	case "Date":
		ms := o.ToFloat()
		if math.IsNaN(ms) {
			return nil, 0, errors.New("its result holds a date that is none")
		}
		return append(dst, bsonval.FromDateTime(int64(ms)).Value...), bson.TypeDateTime, nil
	case "RegExp":
		pattern := regex(o.Get("source").String(), o.Get("flags").String())
		return bounded(append(dst, pattern.Value...), pattern.Type, limit)
	case "Object", "Error":
		return r.appendDocument(dst, o, limit, depth)
	}
	return nil, 0, errors.New("its result is not a value that a document can hold")
}

func bounded(dst []byte, t bson.Type, limit int) ([]byte, bson.Type, error) {
	if len(dst) > limit {
		return nil, 0, errTooLarge
	}
	return dst, t, nil
}

func scalar(v goja.Value) (bson.RawValue, error) {
	switch x := primitive(v).(type) {
	case bool:
		return bsonval.FromBool(x), nil
	case string:
		return bsonval.FromString(strings.ToValidUTF8(x, "\uFFFD")), nil
	case int64:
		return bsonval.FromInt(x), nil
	case float64:
		if x == math.Trunc(x) && math.Abs(x) <= maxSafe && (x != 0 || !math.Signbit(x)) {
			return bsonval.FromInt(int64(x)), nil
		}
		return bsonval.FromDouble(x), nil
	case *big.Int:
		if x.IsInt64() {
			return bsonval.FromInt64(x.Int64()), nil
		}
	}
	return bson.RawValue{}, errors.New("its result is not a value that a document can hold")
}

func (r *Runtime) appendArray(dst []byte, o *goja.Object, limit, depth int) ([]byte, bson.Type, error) {
	length := o.Get("length").ToInteger()
	if length > int64(limit) {
		return nil, 0, errTooLarge
	}
	out, start := bsonval.BeginDocument(dst)
	for i := range int(length) {
		name := strconv.Itoa(i)
		v := o.Get(name)
		if v == nil || goja.IsUndefined(v) {
			v = goja.Null()
		}
		var err error
		if out, err = r.appendField(out, name, v, limit, depth); err != nil {
			return nil, 0, err
		}
	}
	return bsonval.EndDocument(out, start), bson.TypeArray, nil
}

func (r *Runtime) appendDocument(dst []byte, o *goja.Object, limit, depth int) ([]byte, bson.Type, error) {
	out, start := bsonval.BeginDocument(dst)
	for _, name := range o.Keys() {
		if strings.ContainsRune(name, 0) {
			return nil, 0, errors.New("its result has a name that no field can have")
		}
		var err error
		if out, err = r.appendField(out, name, o.Get(name), limit, depth); err != nil {
			return nil, 0, err
		}
	}
	return bsonval.EndDocument(out, start), bson.TypeEmbeddedDocument, nil
}

// appendField appends an element. One that is undefined is left out, but not of a filter.
func (r *Runtime) appendField(dst []byte, name string, v goja.Value, limit, depth int) ([]byte, error) {
	at := len(dst)
	out := append(append(append(dst, 0), name...), 0)
	out, t, err := r.appendJS(out, v, limit, depth+1)
	switch {
	case err != nil:
		return nil, err
	case t == 0 && r.strict:
		return nil, errors.New("a field of it is undefined")
	case t == 0:
		return out[:at], nil
	case len(out) > limit:
		return nil, errTooLarge
	}
	out[at] = byte(t)
	return out, nil
}

// regex makes a pattern of the flags that BSON has, too.
func regex(pattern, flags string) bson.RawValue {
	options := strings.Map(func(c rune) rune {
		if strings.ContainsRune("imsx", c) {
			return c
		}
		return -1
	}, flags)
	v := append([]byte(strings.ReplaceAll(pattern, "\x00", "")), 0)
	return bson.RawValue{Type: bson.TypeRegex, Value: append(append(v, options...), 0)}
}

// timeOf is the time in an ObjectId.
func timeOf(v bson.RawValue) time.Time {
	id, _ := bsonval.ObjectID(v)
	return id.Timestamp()
}
