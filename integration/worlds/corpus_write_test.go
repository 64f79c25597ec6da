package worlds_test

import (
	"bytes"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/reference"
)

// TestTheModelAgreesWithTheWritesOfTheCorpus lets the model do what the cases about writes do, from step to step, and
// compares answers and what is then stored.
func TestTheModelAgreesWithTheWritesOfTheCorpus(t *testing.T) {
	compared := 0
	for _, c := range readCases(t, "inserts", "updates", "deletes") {
		if !c.Has("data_sources/mongodb-atlas/app/c/schema.json") && !c.Has("https_endpoints/data_api_config.json") && !notModelled[c.Name] {
			t.Run(c.Name, func(t *testing.T) { compared += compareWrites(t, c) })
		}
	}
	if compared < 150 {
		t.Errorf("only %d steps were compared", compared)
	}
	t.Logf("%d steps agree", compared)
}

// notModelled are cases about what the model takes for granted: that requests are well formed. Nor does it know schemas.
var notModelled = map[string]bool{"inserts/bad-names": true, "updates/operators-refused": true, "updates/reserved-field": true}

// positions finds a position in an array, or an operator that stands for one, in a path.
var positions = regexp.MustCompile(`\.(\d+|\$)[^"]*":`)

// compareWrites does the steps of a case, up to one that is not modelled, and returns how many there were.
func compareWrites(t *testing.T, c *policytest.Case) int {
	t.Helper()
	ns := c.Steps[0].Command.Namespace
	rules, err := fs.ReadFile(c.Files(), "data_sources/"+ns.Service+"/"+ns.Database+"/"+ns.Collection+"/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	model, err := reference.Parse(rules)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(c.Settings, []byte("update_post_image_check")) {
		model = model.WithoutAfterCheck()
	}
	var stored []bson.Raw
	for _, coll := range c.Documents {
		if coll.Namespace == ns {
			stored = coll.Documents
		}
	}
	compared := 0
	for _, s := range c.Steps {
		if s.Command == nil || s.Command.Namespace != ns {
			return compared
		}
		want := s.Want.Lines
		var outcome policytest.Outcome
		if s.Command.Action == "find" {
			outcome = policytest.Documents(answerStep(t, c, s, model, stored).documents)
		} else {
			w, ok := write(s.Command)
			if !ok {
				return compared
			}
			done := model.Write(func(operation string) *reference.Facts { return factsOf(t, c, s, operation) }, stored, w)
			stored, outcome = done.Stored, outcomeOf(s.Command.Action, done)
			if done.Failed != nil {
				want = []string{want[0][:min(len(want[0]), len("error 400"))]} // the rest of it is for clients
			}
		}
		if !outcome.Matches(want) {
			t.Errorf("%d. %s (-want +got):\n%s", s.Number, s.Title, cmp.Diff(want, outcome.Lines(want)))
		}
		for _, want := range s.Stored {
			if want.Namespace == ns && !policytest.StoredMatches(want.Want.Lines, stored) {
				t.Errorf("%d. %s, stored (-want +got):\n%s", s.Number, s.Title, cmp.Diff(want.Want.Lines, linesOf(stored)))
			}
		}
		compared++
	}
	return compared
}

// write reads the arguments of an action that writes.
func write(c *policytest.Command) (reference.Write, bool) {
	arg := func(key string) bson.Raw {
		v, _ := c.Arg(key)
		doc, _ := v.DocumentOK()
		return doc
	}
	w := reference.Write{Filter: arg("filter"), Many: strings.HasSuffix(c.Action, "Many"), Replacement: arg("replacement"), Update: arg("update")}
	if upsert, ok := c.Arg("upsert"); ok {
		w.Upsert = upsert.Boolean()
	}
	for _, a := range c.Args {
		if positions.MatchString(a.Text) || !slices.Contains([]string{"filter", "update", "replacement", "upsert", "document", "documents"}, a.Key) {
			return w, false
		}
	}
	switch c.Action {
	case "insertOne":
		w.Insert = []bson.Raw{arg("document")}
	case "insertMany":
		list, _ := c.Arg("documents")
		values, err := list.Array().Values()
		if err != nil {
			return w, false
		}
		for _, v := range values {
			w.Insert = append(w.Insert, v.Document())
		}
	case "updateOne", "updateMany":
		if elements, err := w.Update.Elements(); err == nil && !w.Many && len(elements) > 0 && !strings.HasPrefix(elements[0].Key(), "$") {
			w.Replacement, w.Update = w.Update, nil
		}
		return w, w.Update != nil || w.Replacement != nil
	case "deleteOne", "deleteMany":
		w.Delete = true
	default:
		return w, c.Action == "replaceOne"
	}
	return w, true
}

func outcomeOf(action string, done reference.Done) policytest.Outcome {
	switch {
	case done.Failed != nil:
		return policytest.Failed(400, "", done.Failed.Error())
	case done.Denied != "":
		return policytest.Failed(403, "NoMatchingRuleFound", done.Operation+" not permitted")
	case strings.HasPrefix(action, "insert"):
		return policytest.Inserted(done.Inserted...)
	case strings.HasPrefix(action, "delete"):
		return policytest.Deleted(done.Matched)
	case len(done.Inserted) > 0:
		return policytest.Updated(0, 0, done.Inserted[0])
	}
	return policytest.Updated(done.Matched, done.Modified, bson.RawValue{})
}
