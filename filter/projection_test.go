package filter_test

import (
	"errors"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/filter"
	"github.com/rolegate/rolegate/internal/bsonval"
)

func mustProjection(t testing.TB, text string) filter.Projection {
	t.Helper()
	p, err := filter.ParseProjection(mustDoc(t, text))
	if err != nil {
		t.Fatalf("projection %s: %v", text, err)
	}
	return p
}

func TestProject(t *testing.T) {
	t.Parallel()
	const person = `{"_id":1,"name":"Ann","addr":{"city":"Rome","zip":"1"},"tags":["x","y"]}`
	tests := map[string]struct {
		doc, projection, want string
	}{
		"empty":                           {person, `{}`, person},
		"inclusion":                       {person, `{"name":1}`, `{"_id":1,"name":"Ann"}`},
		"inclusion in document order":     {person, `{"tags":1,"name":true}`, `{"_id":1,"name":"Ann","tags":["x","y"]}`},
		"inclusion without _id":           {person, `{"name":1,"_id":0}`, `{"name":"Ann"}`},
		"only _id":                        {person, `{"_id":1}`, `{"_id":1}`},
		"exclusion":                       {person, `{"name":0,"tags":false}`, `{"_id":1,"addr":{"city":"Rome","zip":"1"}}`},
		"exclusion with _id":              {person, `{"_id":1,"name":0,"addr":0}`, `{"_id":1,"tags":["x","y"]}`},
		"only without _id":                {person, `{"_id":0}`, `{"name":"Ann","addr":{"city":"Rome","zip":"1"},"tags":["x","y"]}`},
		"any number but zero":             {person, `{"name":-1.5,"tags":{"$numberLong":"7"}}`, `{"_id":1,"name":"Ann","tags":["x","y"]}`},
		"NaN is not zero":                 {person, `{"name":{"$numberDouble":"NaN"}}`, `{"_id":1,"name":"Ann"}`},
		"zeros of every type":             {person, `{"_id":-0.0,"name":{"$numberLong":"0"},"tags":{"$numberDecimal":"0.00"}}`, `{"addr":{"city":"Rome","zip":"1"}}`},
		"dotted inclusion":                {person, `{"addr.city":1}`, `{"_id":1,"addr":{"city":"Rome"}}`},
		"nested object":                   {person, `{"addr":{"city":1}}`, `{"_id":1,"addr":{"city":"Rome"}}`},
		"nested and dotted":               {person, `{"addr":{"city":1},"addr.zip":1,"_id":0}`, `{"addr":{"city":"Rome","zip":"1"}}`},
		"dotted exclusion":                {person, `{"addr.city":0,"tags":0}`, `{"_id":1,"name":"Ann","addr":{"zip":"1"}}`},
		"inclusion through a scalar":      {person, `{"name.first":1}`, `{"_id":1}`},
		"exclusion through a scalar":      {person, `{"name.first":0,"addr":0}`, `{"_id":1,"name":"Ann","tags":["x","y"]}`},
		"nothing left in a document":      {person, `{"addr.street":1}`, `{"_id":1,"addr":{}}`},
		"inclusion in an array":           {`{"r":[{"a":1,"b":2},3,{"b":4},[5,{"a":6,"b":7}]]}`, `{"r.a":1}`, `{"r":[{"a":1},{},[{"a":6}]]}`},
		"exclusion in an array":           {`{"r":[{"a":1,"b":2},3,{"b":4},[5,{"a":6,"b":7}]]}`, `{"r.a":0}`, `{"r":[{"b":2},3,{"b":4},[5,{"b":7}]]}`},
		"a number is a name, not a place": {`{"r":[{"a":1}],"s":{"0":{"a":2,"b":3}}}`, `{"r.0.a":1,"s.0.a":1}`, `{"r":[{}],"s":{"0":{"a":2}}}`},
		"below _id":                       {`{"_id":{"x":1,"y":2},"a":3}`, `{"_id.x":1}`, `{"_id":{"x":1}}`},
		"exclusion below _id":             {`{"_id":{"x":1,"y":2},"a":3}`, `{"_id":{"x":0}}`, `{"_id":{"y":2},"a":3}`},
		"a stored name with a dot":        {`{"a.b":1,"a":{"b":2}}`, `{"a.b":1}`, `{"a":{"b":2}}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := filter.Project([]byte("x"), mustDoc(t, tt.doc), mustProjection(t, tt.projection))
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, out[1:]); got != tt.want || out[0] != 'x' {
				t.Errorf("Project(%s, %s) = %s, want %s", tt.doc, tt.projection, got, tt.want)
			}
		})
	}
}

func TestParseProjectionRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		projection string
		want       string // part of the message
	}{
		"mixed":                    {`{"a":1,"b":0}`, `projection of "b": cannot stand in an inclusion`},
		"mixed the other way":      {`{"a":0,"b":1}`, `projection of "b": cannot stand in an exclusion`},
		"mixed below":              {`{"a":{"b":1},"c":{"d":0}}`, `projection of "c.d": cannot stand in an inclusion`},
		"a nested _id is no _id":   {`{"a":{"_id":0,"b":1}}`, `projection of "a.b": cannot stand in an exclusion`},
		"collision":                {`{"a":1,"a.b":1}`, `projection of "a.b": collides`},
		"collision the other way":  {`{"a.b":1,"a":1}`, `projection of "a": collides`},
		"collision with an object": {`{"a.b":1,"a":{"b":1}}`, `projection of "a.b": collides`},
		"collision with _id":       {`{"_id.x":1,"_id":1}`, `projection of "_id": collides`},
		"slice":                    {`{"a":{"$slice":2}}`, `projection of "a": operator $slice is not supported`},
		"elemMatch below":          {`{"a":{"b":{"$elemMatch":{"c":1}}}}`, `projection of "a.b": operator $elemMatch is not supported`},
		"meta":                     {`{"a":1,"score":{"$meta":"textScore"}}`, `operator $meta is not supported`},
		"an expression":            {`{"a":{"$toUpper":"$b"}}`, `operator $toUpper is not supported`},
		"positional":               {`{"a.$":1}`, `operator $ is not supported`},
		"an operator as a name":    {`{"$a":1}`, `operator $a is not supported`},
		"string":                   {`{"a":"$b"}`, `projection of "a": only 0, 1, true and false are supported`},
		"null":                     {`{"a":null}`, `only 0, 1, true and false`},
		"array":                    {`{"a":[1]}`, `only 0, 1, true and false`},
		"empty object":             {`{"a":{}}`, `projection of "a": an empty object`},
		"empty name":               {`{"":1}`, `empty name`},
		"empty name in a path":     {`{"a..b":1}`, `projection of "a..b": a path has no empty names`},
		"empty name at the end":    {`{"a.":1}`, `empty name`},
		"too long a path":          {`{"` + strings.Repeat("a.", 50) + `a":1}`, `at most 50 names`},
		"too deep":                 {strings.Repeat(`{"a":`, 60) + `1` + strings.Repeat(`}`, 60), `at most 50 names`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := filter.ParseProjection(mustDoc(t, tt.projection))
			var refusal *filter.ProjectionError
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("ParseProjection(%s) = %v, want …%s…", tt.projection, err, tt.want)
			}
		})
	}
}

func TestParseProjectionOfBytes(t *testing.T) {
	t.Parallel()
	twice := func(name string) bson.Raw {
		doc, start := bsonval.BeginDocument(nil)
		doc = bsonval.AppendElement(doc, name, bsonval.FromInt32(1))
		return bsonval.EndDocument(bsonval.AppendElement(doc, name, bsonval.FromBool(true)), start)
	}
	for name, p := range map[string]bson.Raw{
		"a name twice": twice("a"), "_id twice": twice("_id"), "short": corrupt()[:6], "corrupt": corrupt(),
		"corrupt inside": one("a", bsonval.FromDocument(corrupt())),
	} {
		if _, err := filter.ParseProjection(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	p, err := filter.ParseProjection(nil)
	if err != nil || p.HidesAny("a") {
		t.Errorf("ParseProjection(nil) = %v, %v, want everything", p, err)
	}
}

func TestProjectError(t *testing.T) {
	t.Parallel()
	doc := mustDoc(t, `{"a":{"b":1}}`)
	arrays := nested(bson.TypeArray, bsonval.FromInt32(1))
	below := mustProjection(t, `{"a.b":0}`)
	for name, tt := range map[string]struct {
		doc  bson.Raw
		p    filter.Projection
		want error
	}{
		"no bytes":         {nil, filter.Projection{}, bsonval.ErrCorrupt},
		"short":            {doc[:len(doc)-1], filter.Projection{}, bsonval.ErrCorrupt},
		"short, cut":       {doc[:len(doc)-1], below, bsonval.ErrCorrupt},
		"corrupt inside":   {one("a", bsonval.FromDocument(corrupt())), below, bsonval.ErrCorrupt},
		"arrays in arrays": {arrays, below, bsonval.ErrTooDeep},
	} {
		out, err := filter.Project([]byte("kept"), tt.doc, tt.p)
		if !errors.Is(err, tt.want) || string(out) != "kept" {
			t.Errorf("%s: Project = %q, %v, want the buffer as it was and %v", name, out, err, tt.want)
		}
	}
	// A deep document is no trouble where the projection does not go down.
	if _, err := filter.Project(nil, nested(bson.TypeEmbeddedDocument, bsonval.FromInt32(1)), below); err != nil {
		t.Errorf("Project of a deep document = %v", err)
	}
}

func TestIntersect(t *testing.T) {
	t.Parallel()
	const doc = `{"_id":1,"a":{"x":1,"y":2,"z":3},"b":4,"c":5}`
	tests := map[string]struct {
		projections []string
		want        string // the projected doc, or "" for a conflict
	}{
		"none":                         {nil, doc},
		"empty ones":                   {[]string{`{}`, `{}`}, doc},
		"one":                          {[]string{`{"b":1}`}, `{"_id":1,"b":4}`},
		"exclusions unite":             {[]string{`{"b":0}`, `{"c":0}`, `{}`}, `{"_id":1,"a":{"x":1,"y":2,"z":3}}`},
		"exclusions below":             {[]string{`{"a.x":0}`, `{"a.y":0}`}, `{"_id":1,"a":{"z":3},"b":4,"c":5}`},
		"the shorter exclusion wins":   {[]string{`{"a.x":0}`, `{"a":0}`, `{"a.y":0}`}, `{"_id":1,"b":4,"c":5}`},
		"inclusions meet":              {[]string{`{"a":1,"b":1}`, `{"b":1,"c":1}`}, `{"_id":1,"b":4}`},
		"inclusions below":             {[]string{`{"a":1,"b":1}`, `{"a.x":1}`}, `{"_id":1,"a":{"x":1}}`},
		"inclusions below, both ways":  {[]string{`{"a.x":1,"a.y":1}`, `{"a":1}`, `{"a.y":1,"b":1}`}, `{"_id":1,"a":{"y":2}}`},
		"inclusions that do not meet":  {[]string{`{"a.x":1}`, `{"a.y":1}`}, `{"_id":1}`},
		"_id off anywhere is off":      {[]string{`{"b":1,"_id":0}`, `{"b":1}`}, `{"b":4}`},
		"_id off goes with inclusions": {[]string{`{"_id":0}`, `{"b":1}`}, `{"b":4}`},
		"_id off goes with exclusions": {[]string{`{"a":0,"b":0}`, `{"_id":0}`}, `{"c":5}`},
		"_id off alone":                {[]string{`{"_id":0}`, `{}`}, `{"a":{"x":1,"y":2,"z":3},"b":4,"c":5}`},
		"only _id":                     {[]string{`{"_id":1}`, `{"b":1}`}, `{"_id":1}`},
		"conflict":                     {[]string{`{"a":0}`, `{"b":1}`}, ``},
		"conflict with only _id":       {[]string{`{"_id":1}`, `{"b":0}`}, ``},
		"_id on in an exclusion":       {[]string{`{"_id":1,"b":0,"a":0}`, `{"c":0}`}, `{"_id":1}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ps []filter.Projection
			for _, text := range tt.projections {
				ps = append(ps, mustProjection(t, text))
			}
			merged, err := filter.Intersect(ps)
			if tt.want == "" {
				if err == nil || !strings.Contains(err.Error(), "projection: an inclusion and an exclusion") {
					t.Fatalf("Intersect(%v) = %v, want a conflict", tt.projections, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			out, err := filter.Project(nil, mustDoc(t, doc), merged)
			if got := text(t, out); err != nil || got != tt.want {
				t.Errorf("projected by %v: %s, %v, want %s", tt.projections, got, err, tt.want)
			}
			for i, text := range tt.projections { // merging changes none of them
				one, _ := filter.Project(nil, mustDoc(t, doc), ps[i])
				fresh, _ := filter.Project(nil, mustDoc(t, doc), mustProjection(t, text))
				if string(one) != string(fresh) {
					t.Errorf("Intersect changed %s", text)
				}
			}
		})
	}
}

func TestHides(t *testing.T) {
	t.Parallel()
	tests := []struct {
		projection, path string
		hides, any       bool
	}{
		{`{}`, "a", false, false},
		{`{"a":0}`, "a", true, true},
		{`{"a":0}`, "a.b", true, true},
		{`{"a":0}`, "a.0.b", true, true},
		{`{"a":0}`, "b", false, false},
		{`{"a":0}`, "_id", false, false},
		{`{"_id":0}`, "_id", true, true},
		{`{"a.b":0}`, "a", false, true},
		{`{"a.b":0}`, "a.b", true, true},
		{`{"a.b":0}`, "a.b.c", true, true},
		{`{"a.b":0}`, "a.c", false, false},
		{`{"a.b":0}`, "a.0", false, true},
		{`{"a.b":0}`, "a.0.c", false, false},
		{`{"a.b":0}`, "a.0.b", false, true}, // hidden in an array, shown where "0" is a name
		{`{"a.b":0}`, "a.0.1.b", false, true},
		{`{"a.0":0}`, "a.0", false, true}, // hidden as a name, shown as a position
		{`{"a":1}`, "a", false, false},
		{`{"a":1}`, "a.b.c", false, false},
		{`{"a":1}`, "_id", false, false},
		{`{"a":1,"_id":0}`, "_id", true, true},
		{`{"a":1}`, "b", true, true},
		{`{"a":1}`, "0", true, true},
		{`{"a.b":1}`, "a", false, true},
		{`{"a.b":1}`, "a.b", false, true}, // scalars leave the array a
		{`{"a.b":1}`, "a.0.b", false, true},
		{`{"a.b":1}`, "a.c", true, true},
		{`{"a.b":1}`, "a.c.0", true, true},
		{`{"a.b":1}`, "a.0.c", true, true},
		{`{"a.b":1}`, "a.0", false, true},
	}
	for _, tt := range tests {
		p := mustProjection(t, tt.projection)
		if hides, some := p.Hides(tt.path), p.HidesAny(tt.path); hides != tt.hides || some != tt.any {
			t.Errorf("%s: Hides(%q), HidesAny = %v, %v, want %v, %v", tt.projection, tt.path, hides, some, tt.hides, tt.any)
		}
		if got, want := p.HidesSomething(), tt.projection != `{}`; got != want {
			t.Errorf("%s: HidesSomething = %v, want %v", tt.projection, got, want)
		}
	}
}
