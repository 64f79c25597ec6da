package worlds_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/internal/reference"
)

// TestTheModelAgreesWithTheCorpus holds the model to what is written down by hand: it answers the finds of the corpus that
// come before the first write of their case. It knows no functions.
func TestTheModelAgreesWithTheCorpus(t *testing.T) {
	compared := 0
	for _, c := range readCases(t, "") {
		elsewhere := strings.HasPrefix(c.Name, "http/") || strings.HasPrefix(c.Name, "functions/") || c.Has("https_endpoints/data_api_config.json")
		if c.Settings == nil && c.Refused == nil && c.Secrets == nil && !c.HasOwnCustomData() && !elsewhere {
			t.Run(c.Name, func(t *testing.T) { compared += compareCase(t, c) })
		}
	}
	if compared < 200 {
		t.Errorf("only %d steps were compared", compared)
	}
	t.Logf("%d steps agree", compared)
}

// readCases reads the cases of the corpus in some of its folders.
func readCases(t *testing.T, folders ...string) []*policytest.Case {
	t.Helper()
	var cases []*policytest.Case
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join("../cases", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".txtar") {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			c, err := policytest.Parse(strings.TrimPrefix(filepath.ToSlash(path), "../cases/"), data)
			cases = append(cases, c)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return cases
}

// elsewhere finds rules about what is not in the case itself, how a request is sent and the environment, and about what the
// model does not know: lookups and time.
var elsewhere = regexp.MustCompile(`%%request\.(request|remote|httpU)|%%environment|%%lookups|%%now|%%time|%\(`)

// compareCase answers the reads of a case and returns how many there were.
func compareCase(t *testing.T, c *policytest.Case) int {
	t.Helper()
	compared := 0
	for _, s := range c.Steps {
		if s.Command == nil || s.Command.Action != "find" && s.Command.Action != "findOne" {
			return compared
		}
		ns := s.Command.Namespace
		rules, err := fs.ReadFile(c.Files(), "data_sources/"+ns.Service+"/"+ns.Database+"/"+ns.Collection+"/rules.json")
		if err != nil || c.Users[s.User].Type != "normal" || len(s.Want.Lines) == 1 && strings.HasPrefix(s.Want.Lines[0], "error") {
			continue
		}
		if elsewhere.Match(rules) || bytes.Contains(rules, []byte(`"roles": []`)) {
			continue
		}
		model, err := reference.Parse(rules)
		if err != nil {
			t.Fatal(err)
		}
		want := expectStep(t, c, s, model)
		outcome := policytest.Documents(want.documents)
		if s.Command.Action == "findOne" && len(want.documents) == 0 {
			outcome = policytest.Document(nil)
		}
		if !outcome.Matches(s.Want.Lines) {
			t.Errorf("%d. %s (-want +got):\n%s", s.Number, s.Title, cmp.Diff(s.Want.Lines, outcome.Lines(nil)))
		}
		compared++
	}
	return compared
}

func expectStep(t *testing.T, c *policytest.Case, s *policytest.Step, model *reference.Rules) expected {
	t.Helper()
	var stored []bson.Raw
	for _, coll := range c.Documents {
		if coll.Namespace == s.Command.Namespace {
			stored = coll.Documents
		}
	}
	return answerStep(t, c, s, model, stored)
}

// factsOf is what is known of who does a step.
func factsOf(t *testing.T, c *policytest.Case, s *policytest.Step, operation string) *reference.Facts {
	t.Helper()
	u := User{ID: c.Users[s.User].ID, Data: decode(t, c.Users[s.User].Data)}
	if custom := c.Users[s.User].CustomData; custom != nil {
		u.Custom = decode(t, custom)
	}
	facts := u.factsOf(s.Command.Action, operation)
	facts.Values = raw(fileValues(t, c.Files(), "values"))
	facts.Environment = raw(bson.D{{Key: "tag", Value: ""}, {Key: "values", Value: bson.D{}}})
	return facts
}

// answerStep answers a read from the documents that are stored.
func answerStep(t *testing.T, c *policytest.Case, s *policytest.Step, model *reference.Rules, stored []bson.Raw) expected {
	t.Helper()
	r := Request{Action: s.Command.Action}
	for _, arg := range s.Command.Args {
		switch arg.Key {
		case "filter":
			r.Filter = decode(t, bson.Raw(arg.Value.Value))
		case "sort":
			r.Sort = decode(t, bson.Raw(arg.Value.Value))
		case "projection":
			r.Projection = decode(t, bson.Raw(arg.Value.Value))
		case "skip":
			r.Skip = arg.Value.AsInt64()
		case "limit":
			r.Limit = arg.Value.AsInt64()
		}
	}
	return answerFrom(model, factsOf(t, c, s, r.operation()), stored, r, nil)
}

func decode(t *testing.T, doc bson.Raw) bson.D {
	t.Helper()
	var d bson.D
	if err := bson.Unmarshal(doc, &d); err != nil && doc != nil {
		t.Fatal(err)
	}
	return d
}

// fileValues reads the values of an app.
func fileValues(t *testing.T, files fs.FS, dir string) bson.D {
	t.Helper()
	all := bson.D{}
	names, err := fs.Glob(files, dir+"/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := ejson.Parse(data, ejson.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, bson.E{Key: doc.Lookup("name").StringValue(), Value: doc.Lookup("value")})
	}
	return all
}
