package jsfunc

import "github.com/dop251/goja"

// What one step of the engine may work on. It looks at interrupts between steps only.
const (
	maxString   = 1 << 20 // bytes of a string made by repeating
	maxElements = 1 << 20 // of an array; what is not there counts, too
)

// bound gives those methods whose work may be any amount, whatever memory there is, a bound that is checked first.
func (r *Runtime) bound(global *goja.Object) {
	texts := r.prototype(global, "String")
	r.guard(texts, "repeat", func(call goja.FunctionCall) bool {
		return float64(len(call.This.String()))*call.Argument(0).ToFloat() <= maxString
	})
	for _, name := range []string{"padStart", "padEnd"} {
		r.guard(texts, name, func(call goja.FunctionCall) bool { return call.Argument(0).ToFloat() <= maxString })
	}
	lists := r.prototype(global, "Array")
	for _, name := range lists.GetOwnPropertyNames() {
		if name != "constructor" {
			r.guard(lists, name, func(call goja.FunctionCall) bool { return isShort(call.This) })
		}
	}
	// Spreading and for-of go by this one.
	err := lists.DefineDataPropertySymbol(goja.SymIterator, lists.Get("values"), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	if err != nil {
		raise(err)
	}
	r.guard(global.Get("Array").ToObject(r.vm), "from", func(call goja.FunctionCall) bool { return isShort(call.Argument(0)) })
}

func (r *Runtime) prototype(global *goja.Object, class string) *goja.Object {
	return global.Get(class).ToObject(r.vm).Get("prototype").ToObject(r.vm)
}

// isShort tells whether what counts as an array has few elements.
func isShort(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	if !ok {
		return true // strings exist
	}
	length := o.Get("length")
	return length == nil || length.ToFloat() <= maxElements
}

// guard puts a check before a method.
func (r *Runtime) guard(on *goja.Object, name string, passes func(goja.FunctionCall) bool) {
	original, ok := goja.AssertFunction(on.Get(name))
	if !ok {
		return
	}
	err := on.DefineDataProperty(name, r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		if !passes(call) {
			r.throw("%s has too much to do", name)
		}
		v, err := original(call.This, call.Arguments...)
		if err != nil {
			r.rethrow(err)
		}
		return v
	}), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	if err != nil {
		raise(err)
	}
}
