package proxy_test

import (
	"strings"
	"testing"

	"github.com/rolegate/rolegate/proxy"
)

// TestWhatCountsAsWritten is about what a write needs a permission for: what it changes, and what it names that the
// user may not read, whatever is stored there.
func TestWhatCountsAsWritten(t *testing.T) {
	const (
		// Everything is readable, the title is writable.
		reader = `{"name": "reader", "apply_when": {}, "read": true, "write": false, "fields": {"title": {"write": true}}}`
		// Only the title is readable and writable.
		title = `{"name": "title", "apply_when": {}, "fields": {"_id": {"read": true}, "title": {"write": true}}}`
		// In the profile the city is writable, the rest is hidden.
		nested = `{"name": "nested", "apply_when": {}, "fields": {"_id": {"read": true}, "title": {"write": true},
			"profile": {"fields": {"city": {"write": true}, "name": {"read": true}}}}}`
		// In the elements of the list n is writable, k is readable, the rest is hidden.
		list = `{"name": "list", "apply_when": {}, "fields": {"_id": {"read": true}, "title": {"write": true},
			"list": {"fields": {"n": {"write": true}, "k": {"read": true}}}}}`
		// A score up to 10 is readable and writable, and hidden beyond.
		score = `{"name": "score", "apply_when": {}, "fields": {"_id": {"read": true}, "title": {"write": true},
			"score": {"write": {"%%this": {"$lte": 10}}}, "tags": {"write": {"%%this": {"$size": 2}}}}}`
		// A note is readable and writable once it is public and its code is 42.
		note = `{"name": "note", "apply_when": {}, "fields": {"_id": {"read": true},
			"note": {"write": {"%%this.public": true, "%%this.code": 42}}, "notes": {"write": {"%%this.code": 42}}}}`
		all = `{"name": "all", "apply_when": {}, "write": true}`
	)
	const (
		stored   = `{"_id":"d","title":"A","n":1,"list":[{"n":1,"k":1,"h":1},{"n":2,"k":2}],"tags":["a","b"],"profile":{"city":"Rome","name":"x","ssn":1},"score":5}`
		hidden   = `{"_id":"d","title":"A","score":50,"tags":["a","b","c"]}`
		shifted  = `{"_id":"d","title":"A","list":[{"h":1},{"n":2,"k":2}]}`
		without  = `{"_id":"d","title":"A"}`
		allowed  = "written"
		nothing  = "nothing to write"
		denied   = "denied"
		mistaken = "mistaken"
	)
	for _, c := range []struct{ role, stored, update, want string }{
		// A readable field that is named and stays as it is, by every operator that can leave one.
		{reader, stored, `{"$set":{"n":1}}`, nothing},
		{reader, stored, `{"$set":{"profile":{"city":"Rome","name":"x","ssn":1}}}`, nothing},
		{reader, stored, `{"$inc":{"n":0}}`, nothing},
		{reader, stored, `{"$mul":{"n":1}}`, nothing},
		{reader, stored, `{"$min":{"n":5}}`, nothing},
		{reader, stored, `{"$max":{"n":0}}`, nothing},
		{reader, stored, `{"$bit":{"n":{"or":0}}}`, nothing},
		{reader, stored, `{"$addToSet":{"tags":"a"}}`, nothing},
		{reader, stored, `{"$pull":{"tags":"z"}}`, nothing},
		{reader, stored, `{"$pullAll":{"tags":["z"]}}`, nothing},
		{reader, stored, `{"$push":{"tags":{"$each":[]}}}`, nothing},
		{reader, stored, `{"$unset":{"nothing":1}}`, nothing},
		{reader, stored, `{"$rename":{"nothing":"n"}}`, nothing},
		{reader, stored, `{"$set":{"list.$[].x":1}}`, denied},
		{reader, stored, `{"$set":{"list.$[e].n":1}}`, nothing},
		{reader, stored, `{"$setOnInsert":{"n":7}}`, nothing},
		{reader, stored, `{"$set":{}}`, nothing},
		// ... and one that changes, if only in its type or its place.
		{reader, stored, `{"$set":{"n":2}}`, denied},
		{reader, stored, `{"$set":{"n":{"$numberDouble":"1.0"}}}`, denied},
		{reader, stored, `{"$set":{"profile":{"name":"x","city":"Rome","ssn":1}}}`, denied},
		{reader, stored, `{"$unset":{"n":1}}`, denied},
		{reader, stored, `{"$set":{"new":null}}`, denied},
		{reader, stored, `{"$currentDate":{"n":true}}`, denied},
		{reader, stored, `{"$rename":{"title":"n"}}`, denied},
		{reader, stored, `{"$rename":{"n":"title"}}`, denied},
		{reader, stored, `{"$set":{"title":"A","n":2}}`, denied},
		{reader, stored, `{"$set":{"title":"B","n":1}}`, allowed},
		{reader, stored, `{"$rename":{"title":"title2"}}`, denied},
		// A hidden field that is named, whatever the operator would do and whether it is stored.
		{title, stored, `{"$set":{"n":1}}`, denied},
		{title, without, `{"$set":{"n":1}}`, denied},
		{title, stored, `{"$unset":{"n":1}}`, denied},
		{title, without, `{"$unset":{"n":1}}`, denied},
		{title, stored, `{"$inc":{"n":0}}`, denied},
		{title, stored, `{"$inc":{"title":1,"n":0}}`, denied},
		{title, stored, `{"$inc":{"title":1}}`, mistaken},
		{title, stored, `{"$min":{"n":5}}`, denied},
		{title, stored, `{"$bit":{"n":{"or":0}}}`, denied},
		{title, stored, `{"$push":{"n":1}}`, denied},
		{title, stored, `{"$push":{"tags":{"$each":[]}}}`, denied},
		{title, without, `{"$pop":{"tags":1}}`, denied},
		{title, stored, `{"$pullAll":{"tags":[]}}`, denied},
		{title, stored, `{"$set":{"list.$[].n":1}}`, denied},
		{title, stored, `{"$set":{"list.$[e].n":1}}`, denied},
		{title, without, `{"$set":{"list.$[e].n":1}}`, denied},
		{title, stored, `{"$rename":{"n":"title"}}`, denied},
		{title, without, `{"$rename":{"n":"title"}}`, denied},
		{title, stored, `{"$rename":{"title":"n"}}`, denied},
		{title, without, `{"$rename":{"title":"n.x"}}`, denied},
		{title, stored, `{"$setOnInsert":{"n":7}}`, nothing},
		{title, stored, `{"$set":{"title":"B"},"$setOnInsert":{"n":7}}`, allowed},
		{title, stored, `{"$set":{"title.x":1}}`, mistaken},
		{title, stored, `{"$set":{"n.x":1}}`, denied},
		{title, without, `{"$set":{"n.x":1}}`, denied},
		// A subtree of which parts are hidden is judged by the tree alone.
		{nested, stored, `{"$set":{"profile":{"city":"Rome","name":"x","ssn":1}}}`, denied},
		{nested, without, `{"$set":{"profile":{"city":"Rome"}}}`, denied},
		{nested, stored, `{"$unset":{"profile":1}}`, denied},
		{nested, without, `{"$unset":{"profile":1}}`, denied},
		{nested, stored, `{"$rename":{"profile":"title"}}`, denied},
		{nested, stored, `{"$rename":{"title":"profile.city"}}`, allowed},
		{nested, stored, `{"$rename":{"profile.city":"title"}}`, allowed},
		{nested, stored, `{"$rename":{"profile.name":"title"}}`, denied},
		{nested, without, `{"$rename":{"profile.name":"title"}}`, nothing},
		{nested, stored, `{"$rename":{"profile.ssn":"title"}}`, denied},
		{nested, without, `{"$rename":{"profile.ssn":"title"}}`, denied},
		{nested, stored, `{"$set":{"profile.city":"X"}}`, allowed},
		{nested, without, `{"$set":{"profile.city":"X"}}`, allowed},
		{nested, stored, `{"$unset":{"profile.city":1}}`, allowed},
		{nested, without, `{"$unset":{"profile.city":1}}`, nothing},
		{nested, stored, `{"$set":{"profile.name":"x"}}`, nothing},
		{nested, stored, `{"$set":{"profile.name":"y"}}`, denied},
		{nested, stored, `{"$set":{"profile.ssn":1}}`, denied},
		{nested, stored, `{"$set":{"profile.other":1}}`, denied},
		{nested, stored, `{"$unset":{"profile.other":1}}`, denied},
		{nested, stored, `{"$push":{"profile.city":1}}`, mistaken},
		{nested, `{"_id":"d","title":"A","profile":"x"}`, `{"$set":{"profile.city":"X"}}`, denied},
		{nested, `{"_id":"d","title":"A","profile":["x"]}`, `{"$set":{"profile.city":"X"}}`, denied},
		// Elements of arrays under the entries of a field.
		{list, stored, `{"$set":{"list.0.n":5}}`, allowed},
		{list, stored, `{"$inc":{"list.1.n":5}}`, allowed},
		{list, stored, `{"$set":{"list.0.n":1}}`, nothing},
		{list, stored, `{"$unset":{"list.0.n":1}}`, allowed},
		{list, stored, `{"$set":{"list.0.k":1}}`, nothing},
		{list, stored, `{"$set":{"list.0.k":2}}`, denied},
		{list, stored, `{"$set":{"list.0.h":1}}`, denied},
		{list, stored, `{"$set":{"list.1.h":1}}`, denied},
		{list, stored, `{"$set":{"list.0":{"n":1,"k":1,"h":1}}}`, denied},
		{list, stored, `{"$set":{"list.1":{"n":2,"k":2}}}`, denied},
		{list, stored, `{"$unset":{"list.1":1}}`, denied},
		{list, stored, `{"$set":{"list.$[].n":1}}`, denied},
		{list, stored, `{"$set":{"list.$[e].n":1}}`, denied},
		{list, stored, `{"$pull":{"list":{"h":1}}}`, denied},
		{list, stored, `{"$pull":{"list":{"n":9}}}`, denied},
		{list, stored, `{"$push":{"list":{"n":1}}}`, denied},
		{list, stored, `{"$push":{"list":{"$each":[],"$sort":{"h":1}}}}`, denied},
		{list, without, `{"$push":{"list":{"n":1}}}`, denied},
		{list, stored, `{"$pop":{"list":1}}`, denied},
		{list, stored, `{"$set":{"list.2.n":1}}`, mistaken},
		{list, shifted, `{"$set":{"list.0.n":5}}`, allowed},
		{list, shifted, `{"$set":{"list.1.n":5}}`, mistaken},
		// What is computed from a hidden value. Setting one does not tell what it was.
		{score, stored, `{"$inc":{"score":1}}`, allowed},
		{score, stored, `{"$inc":{"score":6}}`, denied},
		{score, hidden, `{"$set":{"score":5}}`, allowed},
		{score, hidden, `{"$set":{"score":50}}`, denied},
		{score, hidden, `{"$inc":{"score":-45}}`, denied},
		{score, hidden, `{"$mul":{"score":0}}`, denied},
		{score, hidden, `{"$min":{"score":5}}`, denied},
		{score, hidden, `{"$max":{"score":5}}`, denied},
		{score, hidden, `{"$bit":{"score":{"and":1}}}`, denied},
		{score, hidden, `{"$rename":{"title":"score"}}`, denied},
		{score, hidden, `{"$rename":{"score":"title"}}`, denied},
		{score, hidden, `{"$unset":{"score":1}}`, denied},
		{score, hidden, `{"$set":{"tags":["x","y"]}}`, allowed},
		{score, hidden, `{"$pop":{"tags":1}}`, denied},
		{score, hidden, `{"$pull":{"tags":"c"}}`, denied},
		{score, hidden, `{"$pullAll":{"tags":["c"]}}`, denied},
		{score, hidden, `{"$push":{"tags":{"$each":[],"$slice":2}}}`, denied},
		{score, hidden, `{"$addToSet":{"tags":"a"}}`, denied},
		// A part of a hidden value: the rest would stay as it was, and success would tell something about it.
		{note, `{"_id":"d","note":{"public":true,"code":42}}`, `{"$set":{"note.text":"x"}}`, allowed},
		{note, `{"_id":"d","note":{"public":false,"code":42}}`, `{"$set":{"note.public":true}}`, denied},
		{note, `{"_id":"d","note":{"public":false,"code":41}}`, `{"$set":{"note.public":true}}`, denied},
		{note, `{"_id":"d","note":{"public":false,"code":41}}`, `{"$set":{"note":{"public":true,"code":42}}}`, allowed},
		{note, `{"_id":"d","note":{"public":false,"code":41}}`, `{"$unset":{"note.public":1}}`, denied},
		{note, `{"_id":"d","note":{"public":true,"code":41}}`, `{"$currentDate":{"note.at":true}}`, denied},
		{note, `{"_id":"d","notes":[{"code":41}]}`, `{"$set":{"notes.0.code":42}}`, denied},
		{note, `{"_id":"d","notes":[{"code":41}]}`, `{"$set":{"notes.$[].code":42}}`, denied},
		{note, `{"_id":"d","notes":[{"code":41}]}`, `{"$set":{"notes.$[e].code":42}}`, denied},
		// Whoever may write everything may name everything.
		{all, stored, `{"$rename":{"profile.ssn":"n"},"$unset":{"list":1},"$set":{"new.x":1}}`, allowed},
	} {
		s := returning(doc(t, c.stored))
		p, _ := newProxy(t, s, c.role, ``)
		op := proxy.Update{NS: ns, Filter: doc(t, `{"_id":"d"}`), Update: doc(t, c.update)}
		if strings.Contains(c.update, "$[e]") {
			op.ArrayFilters = docs(t, `{"e.k":1}`)
		}
		res, err := p.Update(t.Context(), ann, op)
		got := map[proxy.Kind]string{proxy.Denied: denied, proxy.Invalid: mistaken}[kindOf(err)]
		switch {
		case err == nil && res.Modified == 1:
			got = allowed
		case err == nil && res.Matched == 1:
			got = nothing
		case err != nil && len(s.writes) > 0:
			got = "written in spite of an error"
		}
		if got != c.want {
			t.Errorf("%s\n%s\n%s\n%s (%v), want %s", c.role, c.stored, c.update, got, err, c.want)
		}
	}
}
