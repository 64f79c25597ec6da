package jsfunc

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/internal/source"
)

// CodeInvalid is the code of the diagnostics of this package.
const CodeInvalid = "invalid-function"

// Codes lists it.
func Codes() []string { return []string{CodeInvalid} }

// Limits bounds one call. A zero field takes its default.
type Limits struct {
	Time   time.Duration // all of the call, what it asks of the database included: 100 ms, at most MaxTime
	Depth  int           // of calls inside the function, 500
	Result int           // bytes of the result, 1 MiB
	// Endpoint is how long the function of an endpoint may run, without what it waits for the database: 10 s.
	Endpoint time.Duration
}

// MaxTime bounds Limits.Time, MaxEndpointTime Limits.Endpoint.
const (
	MaxTime         = time.Second
	MaxEndpointTime = 300 * time.Second
)

// Program is the compiled functions of an app. It is immutable and safe for concurrent use.
type Program struct {
	limits    Limits
	functions map[string]*function
	script    *function // of the Data API, which says who a request runs as; nil without one
}

type function struct {
	name   string
	system bool          // it runs as the system
	code   *goja.Program // makes a module
	why    string        // it cannot be called; "" when it can
	other  bool          // it runs as another user, whom only an endpoint can find
	script *goja.Program // says who that is; nil where it is said without one
}

// Compile compiles the functions of an app. One that does not compile is a warning: it matters to those who call it. Nothing is
// served without the script of the Data API, if there is one.
func Compile(app *config.App, l Limits) (*Program, source.Diagnostics) {
	l.Time = min(cmp.Or(l.Time, 100*time.Millisecond), MaxTime)
	l.Depth = cmp.Or(l.Depth, 500)
	l.Result = cmp.Or(l.Result, 1<<20)
	l.Endpoint = min(cmp.Or(l.Endpoint, 10*time.Second), MaxEndpointTime)
	p := &Program{limits: l, functions: map[string]*function{}}
	var ds source.Diagnostics
	for _, f := range app.Functions {
		p.functions[f.Name] = compile(f, &ds)
	}
	if v := app.DataAPI.Script(); v != nil {
		p.script = compileScript(v, &ds)
	}
	return p, ds
}

// Callable tells for each function why rules cannot call it, "" for those that they can.
func (p *Program) Callable() map[string]string {
	out := make(map[string]string, len(p.functions))
	for name, f := range p.functions {
		out[name] = f.why
		if f.why == "" && f.other {
			out[name] = "it runs as another user, which is not supported"
		}
	}
	return out
}

func compile(f *config.Function, ds *source.Diagnostics) *function {
	out := &function{name: f.Name, system: f.RunAsSystem}
	switch {
	case f.Broken:
		out.why = "its configuration has errors"
	case f.Source == nil:
		out.why = "the export does not have its source"
	default:
		out.other = !f.RunAsSystem && (f.RunAsUserID != "" || f.RunAsUserIDScript != "")
		out.code = out.compile(f.Source, ds)
		if out.other && f.RunAsUserIDScript != "" {
			out.script = out.compile(scriptFile(f), ds)
		}
	}
	return out
}

// compile compiles a source of the function, which cannot be called if that fails.
func (f *function) compile(text *source.File, ds *source.Diagnostics) *goja.Program {
	code, err := compileSource(text)
	if err != nil {
		at, message := place(text, err)
		ds.Warn(at, CodeInvalid, "", "the function %s cannot be compiled: %s", source.Quote(f.name), message)
		f.why = at.String() + ": " + message
	}
	return code
}

// scriptName is what the script of the Data API is called.
const scriptName = "run_as_user_id_script_source"

// compileScript compiles a function that is written as a string of a configuration. It runs as the system: there is no user
// yet.
func compileScript(v *source.Value, ds *source.Diagnostics) *function {
	text := &source.File{Name: scriptName, Text: []byte(v.Str)}
	code, err := compileSource(text)
	if err != nil {
		at, message := place(text, err)
		ds.Error(v.Span, CodeInvalid, "", "this function cannot be compiled: %s: %s", at, message)
	}
	return &function{name: scriptName, system: true, code: code}
}

// What stands around a source, which assigns the function to exports. A function may declare what others declare, too.
const (
	before = "(function (exports, module, require, context) {"
	after  = "\n;return typeof exports === 'function' ? exports : module.exports;})"
)

// compileSource compiles a source. It is parsed by itself first: what stands around it must not make it valid, and the
// places of errors are right. Comments of a source do not make the parser read other files.
func compileSource(f *source.File) (*goja.Program, error) {
	alone, err := parser.ParseFile(nil, f.Name, f.Text, 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, err
	}
	if _, err := goja.CompileAST(alone, false); err != nil {
		return nil, err
	}
	module, err := parser.ParseFile(nil, f.Name, before+string(f.Text)+after, 0, parser.WithDisableSourceMaps)
	if err != nil {
		return nil, err
	}
	return goja.CompileAST(module, false)
}

// place finds where in a source an error is.
func place(f *source.File, err error) (at source.Span, message string) {
	at, message = source.Span{File: f}, err.Error()
	var pos file.Position
	if syntax, ok := errors.AsType[*goja.CompilerSyntaxError](err); ok && syntax.File != nil {
		pos, message = syntax.File.Position(syntax.Offset), syntax.Message
	}
	if list, ok := errors.AsType[parser.ErrorList](err); ok && len(list) > 0 {
		pos, message = list[0].Position, list[0].Message
	}
	at.Start = offset(f.Text, pos.Line, pos.Column)
	at.End = min(at.Start+1, len(f.Text))
	return at, message
}

// offset is the byte at a line and column, which count from one; columns count characters.
func offset(text []byte, line, column int) int {
	at := 0
	for ; line > 1 && at < len(text); at++ {
		if text[at] == '\n' {
			line--
		}
	}
	for i := range string(text[at:]) {
		if column--; column <= 0 {
			return at + i
		}
	}
	return len(text)
}

// Error says why a call failed. It holds no values.
type Error struct {
	Function string
	Why      string
	TimedOut bool // it took longer than it may
}

func (e *Error) Error() string {
	return fmt.Sprintf("function %s: %s", source.Quote(e.Function), e.Why)
}
