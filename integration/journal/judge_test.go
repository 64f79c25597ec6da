package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/reference"
	"github.com/rolegate/rolegate/proxy"
)

func isDuplicate(err error) bool { return errors.Is(err, proxy.ErrDuplicateKey) }

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
		if why := e.wrong(model); why != "" {
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
		if n := req.acknowledged(); n != made[req] {
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
	case e.before == nil:
		return "insert"
	case e.after == nil:
		return "delete"
	case e.by.Replacement != nil:
		return "replacement"
	case e.by.Many:
		return "update of many"
	}
	return "update"
}

// wrong says why a change should not have been stored; "" if it should.
func (e entry) wrong(model *reference.Rules) string {
	operation := map[bool]string{true: "delete", false: "update"}[e.by.Delete]
	if e.before == nil {
		operation = "insert"
	}
	facts := e.by.user.facts(operation)
	id := e.after.Lookup("_id")
	change := reference.Change{Before: e.before, After: e.after, OwnID: id.Type != bson.TypeObjectID}
	if v := model.Judge(facts, change); !v.Allowed {
		return "the rules do not allow it: " + v.Why
	}
	if e.before == nil {
		return ""
	}
	if !e.by.Delete {
		if v := model.JudgeNamed(facts, change, e.by.named()); !v.Allowed {
			return "the rules do not allow it: " + v.Why
		}
	}
	if !e.selected(model, facts) {
		return "the filter of the request does not match what the user sees of it"
	}
	return e.otherThanAsked()
}

// selected tells whether the user sees the document as it was, and the request is about it.
func (e entry) selected(model *reference.Rules, facts *reference.Facts) bool {
	view, err := model.View(facts, []bson.Raw{e.before})
	if err != nil {
		return false
	}
	f, err := query.Parse(e.by.Filter, query.Options{})
	return err == nil && len(view.Documents) == 1 && f.Match(view.Documents[0])
}

// otherThanAsked tells whether something else became of the document than the request says. A number that was counted up
// from an older state, for instance, undoes what others counted.
func (e entry) otherThanAsked() string {
	var want bson.Raw
	switch {
	case e.by.Replacement != nil:
		id, _ := bsonval.Lookup(e.before, "_id")
		want = with(e.by.Replacement, "_id", id, raw(bson.D{{Key: "_id", Value: 0}}))
	case e.by.Update != nil:
		want = applied(e.by.Update, e.before)
	}
	if !bytes.Equal(want, e.after) {
		return "the request would make something else of it: " + text(want)
	}
	return ""
}
