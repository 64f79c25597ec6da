package jsfunc

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"

	"github.com/dop251/goja"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
)

const uuidSubtype = 4

// className is the class of BSON that holds a value.
func className(v bson.RawValue) string {
	switch v.Type {
	case bson.TypeObjectID:
		return "ObjectId"
	case bson.TypeBinary:
		if isUUID(v) {
			return "UUID"
		}
		return "Binary"
	case bson.TypeInt32:
		return "Int32"
	case bson.TypeInt64:
		return "Long"
	case bson.TypeDouble:
		return "Double"
	case bson.TypeDecimal128:
		return "Decimal128"
	case bson.TypeTimestamp:
		return "Timestamp"
	case bson.TypeRegex:
		return "BSONRegExp"
	case bson.TypeMinKey:
		return "MinKey"
	case bson.TypeMaxKey:
		return "MaxKey"
	default:
		return "Value" // deprecated types, which nobody makes any more
	}
}

func isUUID(v bson.RawValue) bool {
	subtype, data, ok := bsonval.Binary(v)
	return ok && subtype == uuidSubtype && len(data) == 16
}

// bson makes the object BSON with a class for each type that JavaScript does not have.
func (r *Runtime) bson() *goja.Object {
	r.classes = map[string]*goja.Object{}
	out := r.vm.NewObject()
	for name, read := range map[string]func(*Runtime, goja.Value) (bson.RawValue, bool){
		"ObjectId": (*Runtime).newObjectID, "UUID": (*Runtime).newUUID, "Binary": (*Runtime).newBinary,
		"Int32": (*Runtime).newInt32, "Long": (*Runtime).newLong, "Double": (*Runtime).newDouble,
		"Decimal128": (*Runtime).newDecimal, "Timestamp": nil, "BSONRegExp": nil, "Value": nil,
		"MinKey": (*Runtime).newMinKey, "MaxKey": (*Runtime).newMaxKey,
	} {
		class := r.class(name, read)
		if name != "Value" {
			r.put(out, name, class)
		}
	}
	r.put(out, "ObjectID", out.Get("ObjectId"))
	return out
}

// class makes a constructor. It works with and without new, as many scripts write BSON.ObjectId("…").
func (r *Runtime) class(name string, read func(*Runtime, goja.Value) (bson.RawValue, bool)) *goja.Object {
	build := func(arg goja.Value) *goja.Object {
		if read != nil {
			if v, ok := read(r, arg); ok {
				return r.box(v)
			}
		}
		r.throw("this is no argument for BSON.%s", name)
		return nil
	}
	c := r.vm.ToValue(func(call goja.ConstructorCall) *goja.Object { return build(call.Argument(0)) }).ToObject(r.vm)
	proto := c.Get("prototype").ToObject(r.vm)
	r.classes[name] = proto
	method := func(name string, f func(this bson.RawValue, arg goja.Value) any) {
		r.put(proto, name, func(call goja.FunctionCall) goja.Value {
			this, ok := unbox(call.This)
			if !ok {
				r.throw("%s is not called on a value of BSON", name)
			}
			return r.vm.ToValue(f(this, call.Argument(0)))
		})
	}
	text := func(this bson.RawValue, _ goja.Value) any { return textOf(this) }
	method("toString", text)
	method("toJSON", text)
	method("equals", func(this bson.RawValue, arg goja.Value) any {
		other, ok := unbox(arg)
		if ok {
			return bsonval.Equal(this, other)
		}
		s, isText := primitive(arg).(string)
		return isText && (this.Type == bson.TypeObjectID || isUUID(this)) && textOf(this) == s
	})
	switch name {
	case "ObjectId":
		method("toHexString", text)
		method("getTimestamp", func(this bson.RawValue, _ goja.Value) any {
			return r.toJS(bsonval.FromDateTime(timeOf(this).UnixMilli()))
		})
		r.put(c, "isValid", func(call goja.FunctionCall) goja.Value {
			_, ok := r.newObjectID(call.Argument(0))
			return r.vm.ToValue(ok && !goja.IsUndefined(call.Argument(0)))
		})
		r.put(c, "createFromHexString", func(call goja.FunctionCall) goja.Value { return build(call.Argument(0)) })
	case "UUID":
		method("toHexString", text)
	case "Int32", "Long", "Double", "Decimal128":
		number := func(this bson.RawValue, _ goja.Value) any { return floatOf(this) }
		method("toNumber", number)
		method("valueOf", number)
		r.put(c, "fromString", func(call goja.FunctionCall) goja.Value { return build(call.Argument(0)) })
	case "Binary":
		method("toBase64", text)
		method("text", func(this bson.RawValue, _ goja.Value) any {
			_, data, _ := bsonval.Binary(this)
			return string(data)
		})
		method("length", func(this bson.RawValue, _ goja.Value) any {
			_, data, _ := bsonval.Binary(this)
			return len(data)
		})
	}
	return c
}

// textOf is what toString returns.
func textOf(v bson.RawValue) string {
	switch v.Type {
	case bson.TypeObjectID:
		return hex.EncodeToString(v.Value)
	case bson.TypeInt32, bson.TypeInt64:
		n, _ := bsonval.Int64(v)
		return strconv.FormatInt(n, 10)
	case bson.TypeDouble:
		f, _ := bsonval.Double(v)
		return strconv.FormatFloat(f, 'g', -1, 64)
	case bson.TypeDecimal128:
		if d, ok := v.Decimal128OK(); ok {
			return d.String()
		}
	case bson.TypeBinary:
		_, data, _ := bsonval.Binary(v)
		if isUUID(v) {
			h := hex.EncodeToString(data)
			return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
		}
		return base64.StdEncoding.EncodeToString(data)
	}
	text, _ := ejson.AppendCanonicalValue(nil, v)
	return string(text)
}

func floatOf(v bson.RawValue) float64 {
	if f, ok := bsonval.Double(v); ok {
		return f
	}
	if n, exact := bsonval.Int64(v); exact {
		return float64(n)
	}
	f, _ := strconv.ParseFloat(textOf(v), 64)
	return f
}

// same returns the value of an argument that already is of the type.
func same(arg goja.Value, t bson.Type) (bson.RawValue, bool) {
	v, ok := unbox(arg)
	return v, ok && v.Type == t
}

func (r *Runtime) newObjectID(arg goja.Value) (bson.RawValue, bool) {
	if goja.IsUndefined(arg) {
		return bsonval.FromObjectID(bson.NewObjectID()), true
	}
	if v, ok := same(arg, bson.TypeObjectID); ok {
		return v, true
	}
	s, _ := primitive(arg).(string)
	id, err := bson.ObjectIDFromHex(s)
	return bsonval.FromObjectID(id), err == nil
}

func (r *Runtime) newUUID(arg goja.Value) (bson.RawValue, bool) {
	if v, ok := unbox(arg); ok {
		return v, isUUID(v)
	}
	s, _ := primitive(arg).(string)
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return bson.RawValue{}, false
	}
	id, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	return binary(uuidSubtype, id), err == nil
}

// newBinary takes bytes in base64.
func (r *Runtime) newBinary(arg goja.Value) (bson.RawValue, bool) {
	if v, ok := same(arg, bson.TypeBinary); ok {
		return v, true
	}
	s, isText := primitive(arg).(string)
	data, err := base64.StdEncoding.DecodeString(s)
	return binary(0, data), isText && err == nil
}

func binary(subtype byte, data []byte) bson.RawValue {
	n := len(data)
	v := append([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24), subtype}, data...)
	return bson.RawValue{Type: bson.TypeBinary, Value: v}
}

func (r *Runtime) newInt32(arg goja.Value) (bson.RawValue, bool) {
	n, ok := r.integerOf(arg)
	return bsonval.FromInt32(int32(n)), ok && n == int64(int32(n))
}

func (r *Runtime) newLong(arg goja.Value) (bson.RawValue, bool) {
	n, ok := r.integerOf(arg)
	return bsonval.FromInt64(n), ok
}

func (r *Runtime) newDouble(arg goja.Value) (bson.RawValue, bool) {
	switch x := primitive(arg).(type) {
	case float64:
		return bsonval.FromDouble(x), true
	case int64:
		return bsonval.FromDouble(float64(x)), true
	case string:
		f, err := strconv.ParseFloat(x, 64)
		return bsonval.FromDouble(f), err == nil
	}
	return same(arg, bson.TypeDouble)
}

func (r *Runtime) newDecimal(arg goja.Value) (bson.RawValue, bool) {
	if v, ok := same(arg, bson.TypeDecimal128); ok {
		return v, true
	}
	if _, isObject := arg.(*goja.Object); isObject || goja.IsUndefined(arg) {
		return bson.RawValue{}, false
	}
	d, err := bson.ParseDecimal128(arg.String())
	if err != nil {
		return bson.RawValue{}, false
	}
	_, data, err := bson.MarshalValue(d)
	return bson.RawValue{Type: bson.TypeDecimal128, Value: data}, err == nil
}

func (r *Runtime) newMinKey(goja.Value) (bson.RawValue, bool) {
	return bson.RawValue{Type: bson.TypeMinKey}, true
}

func (r *Runtime) newMaxKey(goja.Value) (bson.RawValue, bool) {
	return bson.RawValue{Type: bson.TypeMaxKey}, true
}

// integerOf reads a whole number, or one in a string.
func (r *Runtime) integerOf(arg goja.Value) (int64, bool) {
	switch x := primitive(arg).(type) {
	case int64:
		return x, true
	case float64:
		return int64(x), x == float64(int64(x)) && x >= -maxSafe && x <= maxSafe
	case string:
		n, err := strconv.ParseInt(x, 10, 64)
		return n, err == nil
	}
	v, ok := unbox(arg)
	if !ok {
		return 0, false
	}
	return bsonval.Int64(v)
}
