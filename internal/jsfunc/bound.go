package jsfunc

import "github.com/dop251/goja"

// What one step of the engine may work on. It looks at interrupts between steps only.
const (
	maxString   = 1 << 20 // bytes of a string made by repeating
	maxElements = 1 << 20 // of an array; what is not there counts, too
	maxDeep     = 1000    // levels of JSON, or of lists that become text: they take the stack of the process, which ends when there is none left
	maxPattern  = 4096    // bytes of a regular expression, for the same reason
	maxDigits   = 4096    // of a text that becomes a BigInt
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
	// A pattern that is an object is a regular expression, or the business of whoever wrote the function.
	isShortPattern := func(args []goja.Value) bool {
		text, isText := "", false
		if len(args) > 0 {
			text, isText = primitive(args[0]).(string)
		}
		return !isText || len(text) <= maxPattern
	}
	for _, name := range []string{"match", "matchAll", "search"} {
		r.guard(texts, name, func(call goja.FunctionCall) bool { return isShortPattern(call.Arguments) })
	}
	r.guard(r.prototype(global, "RegExp"), "compile", func(call goja.FunctionCall) bool { return isShortPattern(call.Arguments) })
	r.guardClass(global, "RegExp", isShortPattern)
	r.guardClass(global, "BigInt", func(args []goja.Value) bool { return len(args) == 0 || len(args[0].String()) <= maxDigits })
	r.guard(global.Get("JSON").ToObject(r.vm), "parse", func(call goja.FunctionCall) bool {
		return nesting(call.Argument(0).String()) <= maxDeep
	})
	r.guard(global.Get("JSON").ToObject(r.vm), "stringify", func(call goja.FunctionCall) bool {
		values := 0
		return r.isBounded(call.Argument(0), maxDeep, &values)
	})
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

// nesting is how deep the arrays and objects of a JSON text are nested, if it is one.
func nesting(text string) int {
	deepest, depth, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '[' || c == '{':
			depth++
			deepest = max(deepest, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return deepest
}

// isBounded tells whether a value is nested at most so many levels deep, and consists of few enough values. What stands in
// several places counts in each. Looking ends with the time of the call: nothing else would end it.
func (r *Runtime) isBounded(v goja.Value, levels int, values *int) bool {
	o, isObject := v.(*goja.Object)
	if *values++; *values > maxElements || r.ctx.Err() != nil {
		return false
	}
	if !isObject {
		return true
	}
	if levels == 0 {
		return false
	}
	for _, name := range o.Keys() {
		if !r.isBounded(o.Get(name), levels-1, values) {
			return false
		}
	}
	return true
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

// guardClass puts a check before a constructor, with and without new.
func (r *Runtime) guardClass(global *goja.Object, name string, passes func([]goja.Value) bool) {
	class := global.Get(name).ToObject(r.vm)
	call, _ := goja.AssertFunction(class)
	check := func(args []goja.Value) {
		if !passes(args) {
			r.throw("%s has too much to do", name)
		}
	}
	guarded := r.vm.ToValue(r.vm.NewProxy(class, &goja.ProxyTrapConfig{
		Construct: func(_ *goja.Object, args []goja.Value, _ *goja.Object) *goja.Object {
			check(args)
			o, err := r.vm.New(class, args...)
			if err != nil {
				r.rethrow(err)
			}
			return o
		},
		Apply: func(_ *goja.Object, this goja.Value, args []goja.Value) goja.Value {
			check(args)
			v, err := call(this, args...)
			if err != nil {
				r.rethrow(err)
			}
			return v
		},
	}))
	ordinary, _ := goja.AssertFunction(class.GetSymbol(goja.SymHasInstance))
	isOne := r.vm.ToValue(func(c goja.FunctionCall) goja.Value {
		v, err := ordinary(class, c.Argument(0))
		if err != nil {
			r.rethrow(err)
		}
		return v
	})
	if err := class.DefineDataPropertySymbol(goja.SymHasInstance, isOne, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		raise(err) // the engine does not take what is guarded for a class
	}
	r.put(global, name, guarded)
	r.put(class.Get("prototype").ToObject(r.vm), "constructor", guarded)
}

// guard puts a check before a method. That of a list inside of a list is called by that of the outer one, without a step of
// the engine between them that would notice how deep they are.
func (r *Runtime) guard(on *goja.Object, name string, passes func(goja.FunctionCall) bool) {
	original, ok := goja.AssertFunction(on.Get(name))
	if !ok {
		return
	}
	err := on.DefineDataProperty(name, r.vm.ToValue(func(call goja.FunctionCall) goja.Value {
		r.inside++
		defer func() { r.inside-- }()
		if r.inside > maxDeep || !passes(call) {
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
