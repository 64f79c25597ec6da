package pipeline

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
)

// form says how an operator takes its arguments. The zero form takes an expression or a list of expressions.
type form struct {
	required, optional []string // the arguments, if they have names
	unnamed            bool     // the arguments may also stand without their names
	inner              string   // the argument that is evaluated for each element, with the variables of binds
	binds              []string // an argument "as" gives another name to the first of them
}

var (
	list   = form{}
	trim   = form{required: []string{"input"}, optional: []string{"chars"}}
	ofDate = form{required: []string{"date"}, optional: []string{"timezone"}, unnamed: true}
)

// operators are those that an expression may use.
var operators = map[string]form{
	"$eq": list, "$ne": list, "$gt": list, "$gte": list, "$lt": list, "$lte": list, "$cmp": list,
	"$and": list, "$or": list, "$not": list,
	"$add": list, "$subtract": list, "$multiply": list, "$divide": list, "$mod": list,
	"$abs": list, "$ceil": list, "$floor": list, "$round": list, "$trunc": list,
	"$ifNull": list,
	"$cond":   {required: []string{"if", "then", "else"}, unnamed: true},
	"$switch": {required: []string{"branches"}, optional: []string{"default"}},
	"$concat": list, "$substrCP": list, "$toLower": list, "$toUpper": list, "$strLenCP": list, "$split": list, "$indexOfCP": list,
	"$trim": trim, "$ltrim": trim, "$rtrim": trim,
	"$regexMatch": {required: []string{"input", "regex"}, optional: []string{"options"}},
	"$size":       list, "$arrayElemAt": list, "$first": list, "$last": list, "$in": list, "$isArray": list, "$concatArrays": list,
	"$slice": list, "$reverseArray": list, "$indexOfArray": list, "$arrayToObject": list, "$objectToArray": list,
	"$mergeObjects": list, "$setUnion": list, "$setIntersection": list, "$setDifference": list,
	"$filter": {required: []string{"input", "cond"}, optional: []string{"as", "limit"}, inner: "cond", binds: []string{"this"}},
	"$map":    {required: []string{"input", "in"}, optional: []string{"as"}, inner: "in", binds: []string{"this"}},
	"$reduce": {required: []string{"input", "initialValue", "in"}, inner: "in", binds: []string{"this", "value"}},
	"$type":   list, "$isNumber": list, "$toString": list, "$toInt": list, "$toLong": list, "$toDouble": list, "$toBool": list,
	"$toDate": list, "$toObjectId": list, "$toDecimal": list,
	"$convert": {required: []string{"input", "to"}, optional: []string{"onError", "onNull"}},
	"$year":    ofDate, "$month": ofDate, "$dayOfMonth": ofDate, "$hour": ofDate, "$minute": ofDate, "$second": ofDate,
	"$dateToString": {required: []string{"date"}, optional: []string{"format", "timezone", "onNull"}},
	"$dateTrunc":    {required: []string{"date", "unit"}, optional: []string{"binSize", "timezone", "startOfWeek"}},
	"$dateAdd":      {required: []string{"startDate", "unit", "amount"}, optional: []string{"timezone"}},
	"$dateDiff":     {required: []string{"startDate", "endDate", "unit"}, optional: []string{"timezone", "startOfWeek"}},
	"$literal":      {},
	"$let":          {required: []string{"vars", "in"}},
}

// operator checks {"$op": v}.
func (p *parser) operator(op string, v bson.RawValue, vars *scope) error {
	f, listed := operators[op]
	switch {
	case !listed:
		return unlisted("expression operator", op)
	case op == "$literal":
		return p.literal(v)
	case op == "$let":
		return p.let(v, vars)
	case op == "$switch":
		return p.switches(v, vars)
	case op == "$regexMatch":
		return p.regexMatch(v, vars)
	case f.required == nil || f.unnamed && !hasNames(v):
		return p.expression(v, vars)
	}
	return p.named(op, v, vars, f)
}

// hasNames tells named arguments from an expression.
func hasNames(v bson.RawValue) bool {
	doc, ok := bsonval.Document(v)
	it := bsonval.NewIter(doc)
	return ok && it.Next() && (len(it.Key()) == 0 || it.Key()[0] != '$')
}

// named checks arguments that have names and are expressions.
func (p *parser) named(op string, v bson.RawValue, vars *scope, f form) error {
	doc, err := arguments(op, v, f)
	if err != nil {
		return err
	}
	inner, err := f.bind(op, doc, vars)
	if err != nil {
		return err
	}
	for it := bsonval.NewIter(doc); it.Next(); {
		within := vars
		switch string(it.Key()) {
		case "as": // a name, which bind has read
			continue
		case f.inner:
			within = inner
		}
		if err := p.expression(it.Value(), within); err != nil {
			return err
		}
	}
	return nil
}

// arguments checks the names of arguments: all that are required, no unknown ones and none twice.
func arguments(op string, v bson.RawValue, f form) (bson.Raw, error) {
	doc, ok := bsonval.Document(v)
	if !ok {
		return nil, refuse("%s needs an object", op)
	}
	seen := make([]string, 0, len(f.required)+len(f.optional))
	for it := bsonval.NewIter(doc); it.Next(); {
		name := string(it.Key())
		switch {
		case !slices.Contains(f.required, name) && !slices.Contains(f.optional, name):
			return nil, unlisted("argument of "+op, name)
		case slices.Contains(seen, name):
			return nil, refuse(`%s has two arguments "%s"`, op, name)
		}
		seen = append(seen, name)
	}
	for _, name := range f.required {
		if !slices.Contains(seen, name) {
			return nil, refuse(`%s needs an argument "%s"`, op, name)
		}
	}
	return doc, nil
}

// argument returns one of the arguments, a missing value if it is not there.
func argument(doc bson.Raw, name string) bson.RawValue {
	v, _ := bsonval.Lookup(doc, name)
	return v
}

// bind returns the scope of the inner argument.
func (f form) bind(op string, doc bson.Raw, vars *scope) (*scope, error) {
	for i, name := range f.binds {
		if as := argument(doc, "as"); i == 0 && !bsonval.IsMissing(as) {
			name, _ = bsonval.String(as)
		}
		if !isBindable(name) {
			return nil, refuse(`%s: "as" must be a name of letters, digits and "_" that starts with a small letter`, op)
		}
		vars = vars.bind(name)
	}
	return vars, nil
}

// let checks {"vars": {"name": expression}, "in": expression}. The variables do not see each other.
func (p *parser) let(v bson.RawValue, vars *scope) error {
	doc, err := arguments("$let", v, operators["$let"])
	if err != nil {
		return err
	}
	bindings, ok := bsonval.Document(argument(doc, "vars"))
	if !ok {
		return refuse(`$let: "vars" must be an object`)
	}
	inner := vars
	for it := bsonval.NewIter(bindings); it.Next(); {
		name := string(it.Key())
		if !isBindable(name) {
			return unlisted("variable of $let", name)
		}
		if err := p.expression(it.Value(), vars); err != nil {
			return err
		}
		inner = inner.bind(name)
	}
	return p.expression(argument(doc, "in"), inner)
}

// switches checks {"branches": [{"case": expression, "then": expression}], "default": expression}.
func (p *parser) switches(v bson.RawValue, vars *scope) error {
	doc, err := arguments("$switch", v, operators["$switch"])
	if err != nil {
		return err
	}
	branches, ok := bsonval.Array(argument(doc, "branches"))
	if !ok {
		return refuse(`$switch: "branches" must be an array`)
	}
	for it := bsonval.NewIter(branches); it.Next(); {
		if err := p.named("a branch of $switch", it.Value(), vars, form{required: []string{"case", "then"}}); err != nil {
			return err
		}
	}
	if fallback := argument(doc, "default"); !bsonval.IsMissing(fallback) {
		return p.expression(fallback, vars)
	}
	return nil
}

// regexMatch checks that the pattern is a constant that would be accepted in a filter.
func (p *parser) regexMatch(v bson.RawValue, vars *scope) error {
	doc, err := arguments("$regexMatch", v, operators["$regexMatch"])
	if err != nil {
		return err
	}
	if err := p.expression(argument(doc, "input"), vars); err != nil {
		return err
	}
	pattern, options := argument(doc, "regex"), argument(doc, "options")
	if !isPlain(pattern) || !isPlain(options) {
		return refuse(`$regexMatch: "regex" and "options" must be constants that do not start with $`)
	}
	if err := p.node(); err != nil {
		return err
	}
	filter, outer := bsonval.BeginDocument(nil)
	filter, inner := bsonval.BeginElement(filter, bson.TypeEmbeddedDocument, "a")
	filter = bsonval.AppendElement(filter, "$regex", pattern)
	filter = bsonval.AppendElement(filter, "$options", options)
	filter = bsonval.EndDocument(bsonval.EndDocument(filter, inner), outer)
	_, err = query.Parse(filter, query.Options{NoRegex: p.o.NoRegex})
	return passOn(err)
}
