package pipeline_test

import (
	"strconv"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// variant is a pipeline that was changed at one place.
type variant struct {
	pipeline any
	at       string
}

// poisoned returns a pipeline in as many variants as it has places: each value replaced by the poison, the poison added
// to each object, and each name replaced by one that is on no list. What is inside a filter or a $literal is data.
func poisoned(pipeline, poison any) []variant {
	var out []variant
	change("", pipeline, poison, func(at string, changed any) { out = append(out, variant{changed, at}) })
	return out
}

// change calls emit with v changed at each of its places.
func change(at string, v, poison any, emit func(at string, changed any)) {
	switch v := v.(type) {
	case bson.A:
		for i := range v {
			place := at + "." + strconv.Itoa(i)
			with := func(at string, element any) {
				changed := append(bson.A{}, v...)
				changed[i] = element
				emit(at, changed)
			}
			with(place, poison)
			change(place, v[i], poison, with)
		}
	case bson.D:
		emit(at+"+", append(append(bson.D{}, v...), bson.E{Key: "evil", Value: poison}))
		for i := range v {
			place := at + "." + v[i].Key
			with := func(at string, value any) {
				changed := append(bson.D{}, v...)
				changed[i].Value = value
				emit(at, changed)
			}
			renamed := append(bson.D{}, v...)
			renamed[i].Key = "$evil"
			emit(place+" renamed", renamed)
			if v[i].Key == "$literal" || v[i].Key == "$match" {
				continue
			}
			with(place, poison)
			change(place, v[i].Value, poison, with)
		}
	}
}

// tree parses extended JSON to something that can be changed.
func tree(t testing.TB, text string) any {
	t.Helper()
	var parsed struct{ V any }
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+text+`}`), false, &parsed); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return parsed.V
}

// written returns the stages of a tree, false if one of them is no object: such a pipeline cannot be handed to Parse.
func written(t testing.TB, pipeline any) ([]bson.Raw, bool) {
	t.Helper()
	list, ok := pipeline.(bson.A)
	if !ok {
		return nil, false
	}
	out := make([]bson.Raw, len(list))
	for i, stage := range list {
		if _, ok := stage.(bson.D); !ok {
			return nil, false
		}
		raw, err := bson.Marshal(stage)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = raw
	}
	return out, true
}

// parts returns a value and everything in it.
func parts(v any) []any {
	out := []any{v}
	switch v := v.(type) {
	case bson.A:
		for _, element := range v {
			out = append(out, parts(element)...)
		}
	case bson.D:
		for _, element := range v {
			out = append(out, parts(element.Value)...)
		}
	}
	return out
}
