package bsonschema

import (
	"regexp"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// check is the part of a schema that has validate expressions. A nil check has none.
type check struct {
	exprs    []int
	all      []*check          // of allOf
	named    map[string]*check // also of properties without expressions, because rest is for the others
	patterns []patternCheck
	rest     *check
	list     []*check // items by position
	items    *check   // the other items
}

type patternCheck struct {
	re *regexp.Regexp
	*check
}

// empty tells whether there is no expression in c or below.
func (c *check) empty() bool {
	if c == nil {
		return true
	}
	if len(c.exprs) > 0 || !c.rest.empty() || !c.items.empty() {
		return false
	}
	for _, k := range c.all {
		if !k.empty() {
			return false
		}
	}
	for _, k := range c.named {
		if !k.empty() {
			return false
		}
	}
	for _, k := range c.patterns {
		if !k.empty() {
			return false
		}
	}
	for _, k := range c.list {
		if !k.empty() {
			return false
		}
	}
	return true
}

// checker evaluates validate expressions on a change.
type checker struct {
	judge    Judge
	failures []Failure
}

// value judges what stands at path before and after. A field is judged when it is there in either, so that its removal
// is, too.
func (c *checker) value(k *check, pre, post bson.RawValue, path []Step) {
	if k == nil || bsonval.IsMissing(pre) && bsonval.IsMissing(post) || len(c.failures) >= maxFailures {
		return
	}
	for _, n := range k.exprs {
		if c.judge == nil || !c.judge(n, post, pre) {
			c.failures = append(c.failures, Failure{slices.Clone(path), "does not satisfy its validate expression"})
		}
	}
	for _, a := range k.all {
		c.value(a, pre, post, path)
	}
	was, _ := bsonval.Document(pre)
	is, _ := bsonval.Document(post)
	c.fields(k, was, is, path)
	if items, ok := bsonval.Array(post); ok {
		c.elements(k, pre, items, path)
	}
}

func (c *checker) fields(k *check, was, is bson.Raw, path []Step) {
	if len(k.named) == 0 && len(k.patterns) == 0 && k.rest == nil {
		return
	}
	for it := bsonval.NewIter(bsonval.OrEmpty(is)); it.Next(); {
		name := string(it.Key())
		old, _ := bsonval.Lookup(bsonval.OrEmpty(was), name)
		c.field(k, name, old, it.Value(), path)
	}
	for it := bsonval.NewIter(bsonval.OrEmpty(was)); it.Next(); {
		name := string(it.Key())
		if _, kept := bsonval.Lookup(bsonval.OrEmpty(is), name); !kept {
			c.field(k, name, it.Value(), bson.RawValue{}, path)
		}
	}
}

func (c *checker) field(k *check, name string, pre, post bson.RawValue, path []Step) {
	path = append(slices.Clone(path), Step{Name: name})
	own, found := k.named[name]
	c.value(own, pre, post, path)
	for _, p := range k.patterns {
		if p.re.MatchString(name) {
			found = true
			c.value(p.check, pre, post, path)
		}
	}
	if !found {
		c.value(k.rest, pre, post, path)
	}
}

// elements judges the elements of an array. Which one an element was before is known only if there are as many.
func (c *checker) elements(k *check, pre bson.RawValue, items bson.Raw, path []Step) {
	if len(k.list) == 0 && k.items == nil {
		return
	}
	before := elements(pre)
	after := elements(bson.RawValue{Type: bson.TypeArray, Value: items})
	for i, v := range after {
		var was bson.RawValue
		if len(before) == len(after) {
			was = before[i]
		}
		at := append(slices.Clone(path), Step{strconv.Itoa(i), true})
		if i < len(k.list) {
			c.value(k.list[i], was, v, at)
		} else {
			c.value(k.items, was, v, at)
		}
	}
}

func elements(v bson.RawValue) []bson.RawValue {
	arr, ok := bsonval.Array(v)
	if !ok {
		return nil
	}
	var out []bson.RawValue
	for it := bsonval.NewIter(arr); it.Next(); {
		out = append(out, it.Value())
	}
	return out
}
