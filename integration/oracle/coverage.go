package oracle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Coverage counts what became of updates, by what stood in them: operators, modifiers, kinds of paths, conditions. A
// generator that has stopped to reach something is found by it.
type Coverage map[string]map[string]int

// Count notes one update and its outcome.
func (c Coverage) Count(u UpdateCase, outcome string) {
	for feature := range u.Features() {
		c.Note(feature, outcome)
	}
}

// Note counts one outcome.
func (c Coverage) Note(feature, outcome string) {
	if c[feature] == nil {
		c[feature] = map[string]int{}
	}
	c[feature][outcome]++
}

// String is a table with a line for each feature.
func (c Coverage) String() string {
	var b strings.Builder
	for _, feature := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "\n  %-34s", feature)
		for _, outcome := range slices.Sorted(maps.Keys(c[feature])) {
			fmt.Fprintf(&b, " %s %d", outcome, c[feature][outcome])
		}
	}
	return b.String()
}

// Features names what stands in an update.
func (u UpdateCase) Features() map[string]bool {
	f := features{}
	for _, e := range u.Update {
		f["operator "+e.Key] = true
		fields, ok := e.Value.(bson.D)
		if !ok || len(fields) == 0 {
			f["operator with nothing"] = true
		}
		for _, field := range fields {
			f.path("path", field.Key)
			f.argument(e.Key, field.Value)
		}
	}
	if len(u.Update) > 1 {
		f["several operators"] = true
	}
	for _, filter := range u.ArrayFilters {
		f.query("array filter", filter)
	}
	return f
}

type features map[string]bool

// path notes the kinds of segments of a path.
func (f features) path(where, path string) {
	segments := strings.Split(path, ".")
	positional := 0
	for i, s := range segments {
		kind := "name"
		switch {
		case strings.HasPrefix(s, "$[") && s != "$[]":
			kind = "$[id]"
		case s == "$[]", s == "$":
			kind = s
		case strings.Trim(s, "0123456789") == "" && i > 0:
			kind = "number"
		}
		if kind[0] == '$' {
			positional++
		}
		if len(segments) == 1 {
			kind = "single " + kind
		}
		f[where+" "+kind] = true
	}
	if positional > 1 {
		f[where+" of several positional"] = true
	}
	if len(segments) > 3 {
		f[where+" of four or more"] = true
	}
	if segments[0] == "_id" {
		f[where+" _id"] = true
	}
}

func (f features) argument(op string, v any) {
	d, isDocument := v.(bson.D)
	switch op {
	case "$rename":
		if s, ok := v.(string); ok {
			f.path("rename to", s)
		}
	case "$push", "$addToSet":
		f.modifiers(op, d)
	case "$pull":
		if isDocument {
			f.query(op, d)
		} else {
			f["$pull value"] = true
		}
	case "$bit":
		for _, e := range d {
			if slices.Contains([]string{"and", "or", "xor"}, e.Key) {
				f[op+" "+e.Key] = true
			}
		}
		if len(d) > 1 {
			f[op+" of several"] = true
		}
	case "$inc", "$mul", "$min", "$max":
		switch v.(type) {
		case int32, int64, float64, bson.Decimal128:
			f[op+fmt.Sprintf(" %T", v)] = true
		}
	}
}

func (f features) modifiers(op string, d bson.D) {
	var names []string
	for _, e := range d {
		if !slices.Contains([]string{"$each", "$position", "$slice", "$sort"}, e.Key) {
			continue
		}
		name := e.Key
		if by, ok := e.Value.(bson.D); ok && name == "$sort" {
			name += " by fields"
			if len(by) > 1 {
				f[op+" $sort by several fields"] = true
			}
		}
		f[op+" "+name] = true
		names = append(names, name)
	}
	if len(names) > 1 {
		slices.Sort(names)
		f[op+" "+strings.Join(names, "+")] = true
	}
}

// query notes the operators of a condition, however deep.
func (f features) query(where string, v any) {
	switch v := v.(type) {
	case bson.D:
		if len(v) > 1 {
			f[where+" of several"] = true
		}
		for _, e := range v {
			if strings.HasPrefix(e.Key, "$") {
				f[where+" "+e.Key] = true
			} else {
				f[where+" field"] = true
			}
			f.query(where, e.Value)
		}
	case bson.A:
		for _, e := range v {
			f.query(where, e)
		}
	case bson.Regex:
		f[where+" pattern"] = true
	}
}
