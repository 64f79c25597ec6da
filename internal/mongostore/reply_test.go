package mongostore

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
)

func TestOutcome(t *testing.T) {
	tests := map[string]struct {
		form       form
		statements int
		reply      string
		matched    []bool
		done       int
		err        error
	}{
		"all inserted":     {insertForm, 2, `{"ok": 1, "n": 2}`, []bool{true, true}, 2, nil},
		"duplicate second": {insertForm, 3, `{"ok": 1, "n": 1, "writeErrors": [{"index": 1, "code": 11000}]}`, []bool{true, false}, 1, proxy.ErrDuplicateKey},
		"duplicate first":  {insertForm, 3, `{"ok": 1, "n": 0, "writeErrors": [{"index": 0, "code": 11000}]}`, []bool{false}, 0, proxy.ErrDuplicateKey},
		"validator":        {insertForm, 1, `{"ok": 1, "n": 0, "writeErrors": [{"index": 0, "code": 121}]}`, []bool{false}, 0, proxy.ErrNotTaken},
		"too large":        {updateForm, 1, `{"ok": 1, "n": 0, "writeErrors": [{"index": 0, "code": 17419}]}`, []bool{false}, 0, proxy.ErrDocumentTooLarge},
		"not enough":       {insertForm, 2, `{"ok": 1, "n": 1}`, nil, 1, proxy.ErrUnclear},
		"stored, but not by a majority": {
			insertForm, 1, `{"ok": 1, "n": 1, "writeConcernError": {"code": 64}}`, []bool{true}, 1, proxy.ErrUnclear,
		},
		"guard held":            {updateForm, 1, `{"ok": 1, "n": 1, "nModified": 0}`, []bool{true}, 1, nil},
		"guard lost":            {updateForm, 1, `{"ok": 1, "n": 0, "nModified": 0}`, []bool{false}, 0, nil},
		"all guards held":       {deleteForm, 3, `{"ok": 1, "n": 3}`, []bool{true, true, true}, 3, nil},
		"all guards lost":       {deleteForm, 2, `{"ok": 1, "n": 0}`, []bool{false, false}, 0, nil},
		"some guards lost":      {updateForm, 3, `{"ok": 1, "n": 2}`, nil, 2, nil},
		"error after all held":  {updateForm, 4, `{"ok": 1, "n": 2, "writeErrors": [{"index": 2, "code": 11000}]}`, []bool{true, true, false}, 2, proxy.ErrDuplicateKey},
		"error after some lost": {updateForm, 4, `{"ok": 1, "n": 1, "writeErrors": [{"index": 2, "code": 11000}]}`, nil, 1, proxy.ErrDuplicateKey},
		"interrupted":           {updateForm, 1, `{"ok": 1, "n": 0, "writeErrors": [{"index": 0, "code": 11602}]}`, []bool{false}, 0, proxy.ErrUnclear},
		"bulk": {
			bulkForm, 3, `{"ok": 1, "cursor": {"id": 0, "firstBatch": [
				{"ok": 1, "idx": 0, "n": 1}, {"ok": 1, "idx": 1, "n": 0}, {"ok": 1, "idx": 2, "n": 1}]}}`,
			[]bool{true, false, true},
			2, nil,
		},
		"bulk with an error": {
			bulkForm, 3, `{"ok": 1, "cursor": {"id": 0, "firstBatch": [
				{"ok": 1, "idx": 0, "n": 1}, {"ok": 0, "idx": 1, "code": 11000, "n": 0}]}}`,
			[]bool{true, false},
			1, proxy.ErrDuplicateKey,
		},
		"bulk without results":     {bulkForm, 2, `{"ok": 1}`, []bool{}, 0, proxy.ErrUnclear},
		"bulk with an open cursor": {bulkForm, 2, `{"ok": 1, "cursor": {"id": 7, "firstBatch": []}}`, []bool{}, 0, proxy.ErrUnclear},
		"bulk with too few results": {
			bulkForm, 2, `{"ok": 1, "cursor": {"id": 0, "firstBatch": [{"ok": 1, "idx": 0, "n": 1}]}}`,
			[]bool{true},
			1, proxy.ErrUnclear,
		},
		"bulk with a result of another": {
			bulkForm, 2, `{"ok": 1, "cursor": {"id": 0, "firstBatch": [{"ok": 1, "idx": 1, "n": 1}]}}`,
			[]bool{},
			0, proxy.ErrUnclear,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var reply writeReply
			if err := bson.Unmarshal(mustDoc(t, tt.reply), &reply); err != nil {
				t.Fatal(err)
			}
			matched, done, err := reply.outcome(batch{form: tt.form, statements: make([]bson.Raw, tt.statements)})
			if diff := cmp.Diff(tt.matched, matched); diff != "" {
				t.Errorf("matched (-want +got):\n%s", diff)
			}
			if done != tt.done || !errors.Is(err, tt.err) {
				t.Errorf("outcome(%s) = %d done, %v, want %d, %v", tt.reply, done, err, tt.done, tt.err)
			}
			if failed, ok := errors.AsType[*proxy.StatementError](err); ok && tt.matched != nil && failed.Index != len(matched)-1 {
				t.Errorf("outcome(%s): statement %d failed, but %v were answered for", tt.reply, failed.Index, matched)
			}
		})
	}
}
