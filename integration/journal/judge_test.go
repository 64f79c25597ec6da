package journal_test

import (
	"bytes"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/reference"
	"github.com/rolegate/rolegate/proxy"
)

// kinds are the errors that users may meet. All others are failures of the test.
var kinds = map[proxy.Kind]string{
	proxy.Denied: "denied", proxy.Conflict: "conflict", proxy.DuplicateKey: "duplicate key", proxy.Invalid: "invalid",
}

// judge says what is wrong with what has happened, once all is over and these documents are stored.
func (r *run) judge(stored []bson.Raw, c counts) []string {
	all, faults := r.history.whole(stored)
	for what, n := range r.history.counts {
		c[what] += n
	}
	model := r.model()
	made, twice := map[*request]int{}, map[string]bool{}
	for _, e := range all {
		made[e.by]++
		if e.by.user == nil {
			c["changes beside the proxy"]++
			continue
		}
		c["changes"]++
		c["changes: "+e.kind()]++
		c["world "+r.name]++
		if one := fmt.Sprintf("%p %s", e.by, e.id); twice[one] {
			faults = append(faults, "the request has changed this document before\n"+e.String())
		} else {
			twice[one] = true
		}
		why := e.wrong(model)
		if why == "" && e.by.returns {
			why = e.returnedOther(model)
		}
		if why != "" {
			faults = append(faults, fmt.Sprintf("%s\n%v\nfacts: %s", why, e, text(e.by.user.facts("").User)))
		}
	}
	for _, req := range r.requests {
		c["requests"]++
		switch kind := kinds[req.kind()]; {
		case req.err != nil && kind == "":
			faults = append(faults, fmt.Sprintf("an error that nobody should meet\n%v", req))
		case req.err != nil:
			c["answers: "+kind]++
		case req.acknowledged() == 0 && req.matched > 0:
			c["answers: matched and left as it was"]++
		case req.acknowledged() == 0:
			c["answers: nothing matched"]++
		default:
			c["answers: changed"]++
		}
		if n := req.acknowledged(); n != made[req] && (!req.returns || made[req] > 1) {
			faults = append(faults, fmt.Sprintf("%d changes are acknowledged, %d were made\n%v", n, made[req], req))
		}
		if req.matched < req.modified {
			faults = append(faults, fmt.Sprintf("more is changed than matched\n%v", req))
		}
		if req.err != nil && req.kind() == proxy.Denied && made[req] > 0 {
			faults = append(faults, fmt.Sprintf("denied, and stored\n%v", req))
		}
	}
	for i := range faults {
		faults[i] += "\nworld: " + r.name + "\nrules: " + compact(r.rules)
	}
	return faults
}

func compact(rules string) string {
	var lines []string
	for line := range strings.Lines(rules) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return strings.Join(lines, " ")
}

// kind is what was done to the document.
func (e entry) kind() string {
	switch {
	case e.by.bulk:
		return "of a bulk write"
	case e.by.returns:
		return "returned"
	case e.before == nil:
		return "insert"
	case e.after == nil:
		return "delete"
	case e.by.parts[0].Replacement != nil:
		return "replacement"
	case e.by.parts[0].Many:
		return "update of many"
	}
	return "update"
}

// wrong says why a change should not have been stored; "" if one of the operations of its request accounts for it.
func (e entry) wrong(model *reference.Rules) string {
	var all []string
	for _, p := range e.by.parts {
		why := e.wrongFor(p, model)
		if why == "" {
			return ""
		}
		all = append(all, why)
	}
	return strings.Join(all, "\n")
}

func (e entry) wrongFor(p part, model *reference.Rules) string {
	operation := "update"
	switch {
	case e.before == nil && (p.Insert != nil || p.Upsert):
		operation = "insert"
	case e.after == nil && p.Delete:
		operation = "delete"
	case e.before == nil || e.after == nil || p.Insert != nil || p.Delete:
		return "this is not what was asked for"
	}
	facts := e.by.user.facts(operation)
	id := e.after.Lookup("_id")
	change := reference.Change{Before: e.before, After: e.after, OwnID: id.Type != bson.TypeObjectID}
	if v := model.Judge(facts, change); !v.Allowed {
		return "the rules do not allow it: " + v.Why
	}
	if operation == "insert" {
		return ""
	}
	if operation == "update" {
		if v := model.JudgeNamed(facts, change, p.named()); !v.Allowed {
			return "the rules do not allow it: " + v.Why
		}
	}
	if !e.selected(p, model, facts) {
		return "the filter of the request does not match what the user sees of it"
	}
	return e.otherThanAsked(p)
}

// selected tells whether the user sees the document as it was, and the operation is about it.
func (e entry) selected(p part, model *reference.Rules, facts *reference.Facts) bool {
	f, err := query.Parse(p.Filter, query.Options{})
	view := shown(model, facts, e.before)
	return err == nil && view != nil && f.Match(view)
}

// shown is what a user sees of a document; nil is nothing.
func shown(model *reference.Rules, facts *reference.Facts, doc bson.Raw) bson.Raw {
	view, err := model.View(facts, []bson.Raw{doc})
	if err != nil || len(view.Documents) == 0 {
		return nil
	}
	return view.Documents[0]
}

// otherThanAsked tells whether something else became of the document than the request says. A number that was counted up
// from an older state, for instance, undoes what others counted.
func (e entry) otherThanAsked(p part) string {
	var want bson.Raw
	switch {
	case p.Replacement != nil:
		id, _ := bsonval.Lookup(e.before, "_id")
		want = with(p.Replacement, "_id", id, raw(bson.D{{Key: "_id", Value: 0}}))
	case p.Update != nil:
		want = applied(p.Update, e.before)
	}
	if !bytes.Equal(want, e.after) {
		return "the request would make something else of it: " + text(want)
	}
	return ""
}

// returnedOther tells whether something else was returned than what the user sees of the document as it was, or as it is
// afterwards.
func (e entry) returnedOther(model *reference.Rules) string {
	image, operation := e.before, "update"
	if e.after == nil {
		operation = "delete"
	} else if e.by.returnsNew {
		image = e.after
	}
	var want bson.Raw
	if image != nil {
		want = shown(model, e.by.user.facts(operation), image)
	}
	if !bytes.Equal(want, e.by.returned) {
		return "something else should be returned: " + text(want)
	}
	return ""
}
