package bsonschema

import (
	"maps"
	"regexp"
	"slices"

	"github.com/xeipuuv/gojsonschema"

	"github.com/rolegate/rolegate/internal/source"
)

// The codes of the diagnostics of this package.
const (
	CodeSchema  = "invalid-schema"
	CodeType    = "unknown-schema-type"
	CodeKeyword = "unknown-schema-keyword"
)

// Codes lists them.
func Codes() []string { return []string{CodeSchema, CodeType, CodeKeyword} }

// Options say how a schema is read.
type Options struct {
	// NullType accepts null for every field that is not required.
	NullType bool
	// Validate takes a validate expression and returns the number that names it to the Judge.
	Validate func(v *source.Value) int
}

// Compile reads a schema. Problems are added to ds; with errors, no document conforms.
func Compile(v *source.Value, o Options, ds *source.Diagnostics) *Schema {
	var own source.Diagnostics
	c := &compiler{options: o, ds: &own, keywords: keywords()}
	rewritten, check := c.node(v, place{root: true})
	if v.Kind == source.Object && !own.HasErrors() && !c.rootIsObject(v) {
		own.Error(v.Span, CodeSchema, `use "bsonType": "object"`, "the schema of a collection must be that of an object")
	}
	out := &Schema{needs: c.needs}
	if !own.HasErrors() {
		l := gojsonschema.NewSchemaLoader() // one a schema: it remembers what it has seen
		l.Draft, l.AutoDetect = gojsonschema.Draft4, false
		engine, err := l.Compile(gojsonschema.NewRawLoader(rewritten))
		if err != nil {
			own.Error(v.Span, CodeSchema, "", "the schema cannot be used: %v", err)
		}
		out.engine = engine
	}
	if own.HasErrors() {
		out = &Schema{}
	} else {
		out.check = check
	}
	*ds = append(*ds, own...)
	return out
}

func (c *compiler) rootIsObject(v *source.Value) bool {
	if m := v.Member("bsonType"); m != nil {
		types, every := c.types(m, bsonTypes)
		return every || slices.Contains(types, "object")
	}
	if m := v.Member("type"); m != nil {
		types, _ := c.types(m, jsonTypes)
		return slices.Contains(types, "object")
	}
	return true
}

// compiler rewrites the nodes of a schema, and collects what the encoder has to add.
type compiler struct {
	options Options
	ds      *source.Diagnostics
	needs   needs

	keywords map[string]keyword
}

// place is where a node of a schema stands.
type place struct {
	root     bool // its value is the document
	optional bool // its value is a field that is not required
	// branch says that the node need not hold for the document to conform: it stands in an alternative, a negation or
	// a condition.
	branch bool
}

// in is the place of a node for the same value, of which nothing follows unless certain is true.
func (p place) in(certain bool) place { return place{root: p.root, branch: p.branch || !certain} }

// below is the place of a node for a value inside of the value.
func (p place) below() place { return place{branch: p.branch} }

// schema is a node in the form of the validator.
type schema = map[string]any

// never is the schema that nothing satisfies.
func never() schema { return schema{"not": schema{}} }

// tagged is a node that is being rewritten: constraints by tag.
type tagged struct {
	byTag    map[string]schema
	all      []any    // further schemas of the same value
	types    []string // the tags it may have
	typed    bool     // whether types says so
	nullable bool     // null is accepted, whatever the schema says
}

// put adds a keyword of the values with these tags.
func (t *tagged) put(tags []string, keyword string, value any) {
	for _, tag := range tags {
		if t.byTag[tag] == nil {
			t.byTag[tag] = schema{}
		}
		t.byTag[tag][keyword] = value
	}
}

func (t *tagged) also(s schema) { t.all = append(t.all, s) }

// choose adds a schema of the same value that may be about null, too.
func (t *tagged) choose(s schema) {
	if t.nullable {
		s = schema{"anyOf": []any{schema{"required": []any{"null"}}, s}}
	}
	t.also(s)
}

// schema writes the node down.
func (t *tagged) schema() schema {
	properties := schema{}
	for tag, s := range t.byTag {
		properties[tag] = s
	}
	out := schema{"properties": properties}
	if t.typed {
		for tag := range properties {
			if !slices.Contains(t.types, tag) {
				delete(properties, tag)
			}
		}
		allowed := append([]string{memberDigest, memberUnique, memberNames}, t.types...)
		if t.nullable {
			allowed = append(allowed, nullTag)
		}
		for _, tag := range allowed {
			if properties[tag] == nil {
				properties[tag] = schema{}
			}
		}
		out["additionalProperties"] = false
	}
	if len(t.all) > 0 {
		out["allOf"] = t.all
	}
	return out
}

// node rewrites a schema, and finds the validate expressions in it and below.
func (c *compiler) node(v *source.Value, p place) (schema, *check) {
	if v.Kind == source.Bool {
		if v.Bool {
			return schema{}, nil
		}
		return never(), nil
	}
	if v.Kind != source.Object {
		c.ds.Error(v.Span, CodeSchema, "", "a schema must be an object, not %s", v.Kind)
		return never(), nil
	}
	t := &tagged{byTag: map[string]schema{}, nullable: c.options.NullType && p.optional}
	k := &check{}
	for i := range v.Members {
		m := &v.Members[i]
		if read, known := c.keywords[m.Name]; known {
			read(&reading{c, t, k, v, p}, m)
			continue
		}
		c.ds.Warn(m.NameSpan, CodeKeyword, didYouMean(m.Name, slices.Collect(maps.Keys(c.keywords))),
			"%q is no keyword of a schema and has no effect", clip(m.Name))
	}
	if k.empty() {
		k = nil
	}
	return t.schema(), k
}

func didYouMean(name string, known []string) string {
	slices.Sort(known)
	if n := source.Nearest(name, known); n != "" {
		return `did you mean "` + n + `"?`
	}
	return ""
}

func clip(name string) string {
	if r := []rune(name); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return name
}

// types reads the value of bsonType or type. every says that one of them is any type.
func (c *compiler) types(m *source.Member, known map[string][]string) (tags []string, every bool) {
	list := []*source.Value{m.Value}
	if m.Value.Kind == source.Array {
		list = m.Value.Items
	}
	if len(list) == 0 {
		c.ds.Error(m.Value.Span, CodeSchema, "", "%s must name a type", m.Name)
	}
	for _, x := range list {
		name := x.Str
		if full, ok := aliases[name]; ok && m.Name == "bsonType" {
			name = full
		}
		t, ok := known[name]
		switch {
		case x.Kind != source.String:
			c.ds.Error(x.Span, CodeSchema, "", "a type must be a string, not %s", x.Kind)
		case !ok && m.Name == "type" && name == "integer":
			c.ds.Error(x.Span, CodeType, `use "bsonType": ["int", "long"]`, "the type integer is not supported")
		case !ok:
			hint := didYouMean(name, slices.Collect(maps.Keys(known)))
			if _, ok := bsonTypes[name]; ok && hint == "" {
				hint = `use "bsonType": "` + name + `"`
			}
			c.ds.Error(x.Span, CodeType, hint, "%s has no type %q", m.Name, clip(name))
		case t == nil:
			every = true
		default:
			tags = append(tags, t...)
		}
	}
	return tags, every
}

// pattern reads a regular expression.
func (c *compiler) pattern(text string, at source.Span) *regexp.Regexp {
	re, err := regexp.Compile(text)
	if err != nil {
		c.ds.Error(at, CodeSchema, "patterns are RE2, without lookahead and backreferences", "the pattern cannot be used")
	}
	return re
}
