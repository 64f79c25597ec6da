package policytest

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
)

// object parses a JSON object and points at the line of a mistake.
func (p *parser) object(data []byte, line int) (bson.Raw, bool) {
	v, ok := p.value(data, line)
	if !ok {
		return nil, false
	}
	doc, isDoc := v.DocumentOK()
	if !isDoc {
		p.errorf(line+1, "expected an object")
	}
	return doc, isDoc
}

func (p *parser) value(data []byte, line int) (bson.RawValue, bool) {
	v, err := ejson.ParseValue(data, ejson.Limits{MaxDepth: 200})
	if err != nil {
		p.errorf(line+1+lineOf(data, err), "%v", err)
		return bson.RawValue{}, false
	}
	return v, true
}

// lineOf counts the lines before the place where the JSON is wrong.
func lineOf(data []byte, err error) int {
	e, ok := errors.AsType[*ejson.Error](err)
	if !ok || e.Offset > len(data) {
		return 0
	}
	return strings.Count(string(data[:e.Offset]), "\n")
}

func (p *parser) users(data []byte, line int) {
	doc, ok := p.object(data, line)
	if !ok {
		return
	}
	for _, e := range must(doc.Elements()) {
		u := &User{Name: e.Key(), Type: "normal"}
		if !userName.MatchString(u.Name) {
			p.errorf(line, "user %q: a name is one word of letters, digits and _", u.Name)
		}
		fields, ok := e.Value().DocumentOK()
		if !ok {
			p.errorf(line, "user %q is not an object", u.Name)
			continue
		}
		for _, f := range must(fields.Elements()) {
			valid := false
			switch f.Key() {
			case "id":
				u.ID, valid = f.Value().StringValueOK()
			case "type":
				u.Type, valid = f.Value().StringValueOK()
				valid = valid && (u.Type == "normal" || u.Type == "server")
			case "provider":
				u.Provider, valid = f.Value().StringValueOK()
				valid = valid && u.Provider != ""
			case "data":
				u.Data, valid = f.Value().DocumentOK()
			case "custom_data":
				u.CustomData, valid = f.Value().DocumentOK()
			}
			if !valid {
				p.errorf(line, "user %q: bad %q", u.Name, f.Key())
			}
		}
		if u.ID == "" {
			p.errorf(line, "user %q has no id", u.Name)
		}
		if u.Provider == "" {
			u.Provider = map[string]string{"normal": "custom-token", "server": "api-key"}[u.Type]
		}
		p.c.Users[u.Name] = u
	}
}

// userName is a name that a step can begin with and a credential can name.
var userName = regexp.MustCompile(`^\w+$`)

func (p *parser) secrets(data []byte, line int) {
	doc, ok := p.object(data, line)
	if !ok {
		return
	}
	if p.c.Secrets == nil {
		p.c.Secrets = map[string]string{}
	}
	for _, e := range must(doc.Elements()) {
		s, ok := e.Value().StringValueOK()
		if !ok {
			p.errorf(line, "secret %q is not a string", e.Key())
		}
		p.c.Secrets[e.Key()] = s
	}
}

// now reads when the case begins.
func (p *parser) now(text string, line int) {
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(text))
	if err != nil || at.IsZero() {
		p.errorf(line+1, "expected a time such as 2025-03-01T12:00:00Z: %q", strings.TrimSpace(text))
		return
	}
	p.c.Now = at
}

// documents reads documents/app.c.json.
func (p *parser) documents(name string, data []byte, line int) {
	ns, err := parseNamespace(strings.TrimSuffix(strings.TrimPrefix(name, "documents/"), ".json"))
	if err != nil || !strings.HasSuffix(name, ".json") {
		p.errorf(line, "%q is not documents/<namespace>.json", name)
		return
	}
	v, ok := p.value(data, line)
	if !ok {
		return
	}
	list, ok := v.ArrayOK()
	if !ok {
		p.errorf(line+1, "expected an array of documents")
		return
	}
	coll := Collection{Namespace: ns}
	for _, e := range must(list.Values()) {
		doc, ok := e.DocumentOK()
		if !ok {
			p.errorf(line+1, "expected an array of documents")
			return
		}
		many, err := repeat(doc)
		if err != nil {
			p.errorf(line+1, "%v", err)
			return
		}
		coll.Documents = append(coll.Documents, many...)
	}
	p.c.Documents = slices.DeleteFunc(p.c.Documents, func(c Collection) bool { return c.Namespace == ns })
	p.c.Documents = append(p.c.Documents, coll)
}

// repeat expands {"(repeat)": 9, "document": {…}}; "(n)" stands for the number of the copy, from 1, as a
// string of at least four digits, "(#)" for the same as an integer.
func repeat(doc bson.Raw) ([]bson.Raw, error) {
	times, ok := doc.Lookup("(repeat)").Int32OK()
	if !ok {
		return []bson.Raw{doc}, nil
	}
	pattern, ok := doc.Lookup("document").DocumentOK()
	if !ok {
		return nil, errors.New("(repeat) needs a document")
	}
	out := make([]bson.Raw, 0, times)
	for n := int32(1); n <= times; n++ {
		copied := bson.D{}
		for _, e := range must(pattern.Elements()) {
			var v any = e.Value()
			switch s, _ := e.Value().StringValueOK(); s {
			case "(n)":
				v = zeroPadded(int(n))
			case "(#)":
				v = n
			}
			copied = append(copied, bson.E{Key: e.Key(), Value: v})
		}
		raw, err := bson.Marshal(copied)
		if err != nil {
			return nil, err
		}
		out = append(out, raw)
	}
	return out, nil
}

func zeroPadded(n int) string {
	s := strconv.Itoa(n)
	return strings.Repeat("0", max(0, 4-len(s))) + s
}

// must unpacks documents that ejson made, which are always well formed: on an error there is nothing to read.
func must[T any](v []T, err error) []T {
	if err != nil {
		return nil
	}
	return v
}
