package explain

import (
	"encoding/json"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
	"github.com/rolegate/rolegate/rules/expr"
)

// secret stands in place of the value of a secret.
const secret = "(secret)"

// show writes a value, in which the secrets of the app are replaced wherever they come from. It is nil for a missing one.
func (x *explainer) show(v bson.RawValue) json.RawMessage {
	if bsonval.IsMissing(v) {
		return nil
	}
	out, err := ejson.AppendRelaxedValue(nil, x.redact(v))
	if err != nil {
		return json.RawMessage(`"(no valid value)"`)
	}
	return out
}

// showDocument is show for a document or a query, of which nil is the empty one.
func (x *explainer) showDocument(doc bson.Raw) json.RawMessage {
	if doc == nil {
		doc = bsonval.Empty()
	}
	return x.show(bsonval.FromDocument(doc))
}

func (x *explainer) redact(v bson.RawValue) bson.RawValue {
	switch {
	case x.o.Proxy.Policy.IsSecret(v):
		return bsonval.FromString(secret)
	case v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray:
		return v
	}
	doc, start := bsonval.BeginDocument(nil)
	it := bsonval.NewIter(v.Value)
	for it.Next() {
		doc = bsonval.AppendElementBytes(doc, it.Key(), x.redact(it.Value()))
	}
	if it.Err() != nil {
		return bsonval.FromString("(no valid value)")
	}
	return bson.RawValue{Type: v.Type, Value: bsonval.EndDocument(doc, start)}
}

// Condition is what a condition of the rules comes to, as reports show it.
func Condition(p *rules.Policy, b *rules.Bound, v *source.Value, e *expr.Env) Step {
	x := &explainer{o: Options{Proxy: proxy.Config{Policy: p}}}
	return x.step(b.Trace(v, expr.InRole, e))
}

// step turns a trace into its form for the report.
func (x *explainer) step(s expr.Step) Step {
	out := Step{Text: s.Text, At: s.At.String(), Truth: s.Truth.String()}
	if s.Open {
		out.Truth = "depends"
	}
	if s.Join != expr.Alone {
		out.Join = s.Join.String()
	}
	for _, p := range s.Parts {
		out.Parts = append(out.Parts, x.step(p))
	}
	for _, seen := range s.Seen {
		out.Values = append(out.Values, Value{Name: seen.Name, Value: x.show(seen.Value)})
	}
	return out
}
