package pipeline

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/echo"
	"github.com/rolegate/rolegate/internal/query"
)

func (p *parser) match(st *Stage, v bson.RawValue) error {
	doc, ok := bsonval.Document(v)
	if !ok {
		return refuse("$match needs an object")
	}
	var err error
	st.FilterDoc = doc
	st.Filter, err = query.Parse(doc, query.Options{NoRegex: p.o.NoRegex})
	return passOn(err)
}

// project checks the three things that a field of $project may be: a zero or one, an object with fields, an expression.
func (p *parser) project(st *Stage, v bson.RawValue) error {
	doc, err := object("$project", v)
	if err != nil {
		return err
	}
	plain, err := p.projected(doc, 0)
	if err != nil || !plain {
		return err
	}
	return st.setProjection(doc)
}

// projected tells whether there are no expressions. The fields of doc are the segments of paths after the first above.
func (p *parser) projected(doc bson.Raw, above int) (plain bool, err error) {
	plain = true
	for it := bsonval.NewIter(doc); it.Next(); {
		segments, err := p.path("$project", string(it.Key()))
		if err != nil {
			return false, err
		}
		if above+segments > maxSegments {
			return false, refuse("$project: a path has too many segments")
		}
		v := it.Value()
		if v.Type == bson.TypeBoolean || bsonval.IsNumber(v) {
			continue
		}
		if v.Type == bson.TypeEmbeddedDocument && bsonval.IsEmpty(v) {
			return false, refuse("$project: an empty object says neither 0 nor 1")
		}
		if !hasNames(v) {
			plain = false
			if err := p.expression(v, nil); err != nil {
				return false, err
			}
			continue
		}
		inner, err := p.projected(v.Value, above+segments)
		if err != nil {
			return false, err
		}
		plain = plain && inner
	}
	return plain, nil
}

// unset reads the fields of $unset as the projection that it stands for.
func (p *parser) unset(st *Stage, v bson.RawValue) error {
	doc, start := bsonval.BeginDocument(nil)
	exclude := func(field bson.RawValue) error {
		name, ok := bsonval.String(field)
		if !ok {
			return refuse("$unset needs a string or a nonempty array of strings")
		}
		if _, err := p.path("$unset", name); err != nil {
			return err
		}
		doc = bsonval.AppendElement(doc, name, bsonval.FromInt32(0))
		return nil
	}
	arr, isArray := bsonval.Array(v)
	if !isArray || bsonval.IsEmpty(v) {
		if err := exclude(v); err != nil {
			return err
		}
	}
	for it := bsonval.NewIter(arr); it.Next(); {
		if err := exclude(it.Value()); err != nil {
			return err
		}
	}
	return st.setProjection(bsonval.EndDocument(doc, start))
}

func (st *Stage) setProjection(doc bson.Raw) error {
	projection, err := filter.ParseProjection(doc)
	if err != nil {
		return passOn(err)
	}
	st.Projection = &projection
	return nil
}

func (p *parser) addFields(stage string, v bson.RawValue) error {
	doc, err := object(stage, v)
	if err != nil {
		return err
	}
	for it := bsonval.NewIter(doc); it.Next(); {
		if _, err := p.path(stage, string(it.Key())); err != nil {
			return err
		}
		if err := p.expression(it.Value(), nil); err != nil {
			return err
		}
	}
	return nil
}

// parseSort reads the keys of $sort, or of the sortBy of another stage.
func parseSort(what string, v bson.RawValue) (*query.Sort, error) {
	doc, err := object(what, v)
	if err != nil {
		return nil, err
	}
	sort, err := query.ParseSort(doc)
	return sort, passOn(err)
}

// count reads a whole number from least to most.
func count(what string, v bson.RawValue, least, most int64) (int64, error) {
	n, ok := bsonval.Int64(v)
	if !ok || n < least || n > most {
		return 0, refuse("%s needs a whole number from %d to %d", what, least, most)
	}
	return n, nil
}

func countField(v bson.RawValue) (string, error) {
	name, ok := bsonval.String(v)
	if !ok || !bsonval.IsSegment(name) {
		return "", refuse("$count needs the name of a field, which cannot start with $ or contain a dot")
	}
	return name, nil
}

func (p *parser) unwind(v bson.RawValue) error {
	if v.Type == bson.TypeString {
		return p.unwindPath(v)
	}
	doc, err := arguments("$unwind", v, form{required: []string{"path"}, optional: []string{"includeArrayIndex", "preserveNullAndEmptyArrays"}})
	if err != nil {
		return err
	}
	if preserve := argument(doc, "preserveNullAndEmptyArrays"); !bsonval.IsMissing(preserve) && preserve.Type != bson.TypeBoolean {
		return refuse(`$unwind: "preserveNullAndEmptyArrays" must be true or false`)
	}
	if index := argument(doc, "includeArrayIndex"); !bsonval.IsMissing(index) {
		if err := p.pathValue("$unwind", index); err != nil {
			return err
		}
	}
	return p.unwindPath(argument(doc, "path"))
}

// unwindPath checks "$a.b", where the server takes a path and no expression.
func (p *parser) unwindPath(v bson.RawValue) error {
	text, _ := bsonval.String(v)
	path, ok := strings.CutPrefix(text, "$")
	if !ok {
		return refuse("$unwind needs a path that starts with $")
	}
	if err := p.node(); err != nil {
		return err
	}
	return fieldPath(path)
}

// single returns the field of an object that has exactly one.
func single(v bson.RawValue) (name string, value bson.RawValue, ok bool) {
	doc, _ := bsonval.Document(v)
	it := bsonval.NewIter(doc)
	if !it.Next() {
		return "", bson.RawValue{}, false
	}
	name, value = string(it.Key()), it.Value()
	return name, value, !it.Next()
}

// object returns the fields of what must have some.
func object(what string, v bson.RawValue) (bson.Raw, error) {
	doc, ok := bsonval.Document(v)
	if !ok || bsonval.IsEmpty(v) {
		return nil, refuse("%s needs an object with at least one field", what)
	}
	return doc, nil
}

// path checks a dotted path that names a field to be written or shown.
func (p *parser) path(what, text string) (segments int, err error) {
	if err := p.node(); err != nil {
		return 0, err
	}
	path, err := query.ParsePath(text)
	if err != nil {
		return 0, passOn(err)
	}
	for _, name := range path.Segments() {
		if name[0] == '$' {
			return 0, refuse(`%s: a name in "%s" cannot start with $`, what, echo.Name(text))
		}
	}
	return len(path.Segments()), nil
}

// pathValue is path for one that is a value.
func (p *parser) pathValue(what string, v bson.RawValue) error {
	text, ok := bsonval.String(v)
	if !ok {
		return refuse("%s: a path must be a string", what)
	}
	_, err := p.path(what, text)
	return err
}

// fieldName checks the name of a field that is not a path.
func fieldName(what, name string) error {
	if !bsonval.IsSegment(name) {
		return refuse(`"%s" in %s cannot name a field: names are not empty, do not start with $ and contain no dot`, echo.Name(name), what)
	}
	return nil
}
