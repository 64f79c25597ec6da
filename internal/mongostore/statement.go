package mongostore

import (
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// form is the command that carries a batch of statements.
type form uint8

const (
	insertForm form = iota + 1
	updateForm      // updates and replacements
	deleteForm
	bulkForm // all of them, with a result for each
)

// bulkStatements keeps the results of one bulkWrite far below the size of a reply, so that there is never a second
// batch of results to fetch (which, behind several mongos, would have to come from the same one).
const bulkStatements = 10_000

// statementOverhead is more than what a statement costs beside its own bytes: type, index as key, NUL.
const statementOverhead = 16

// batch is one command.
type batch struct {
	form       form
	ns         rules.Namespace
	statements []bson.Raw
	kinds      []proxy.WriteKind // of the statements
	size       int
}

func (b batch) command() bson.D {
	statements := make(bson.A, len(b.statements))
	for i, s := range b.statements {
		statements[i] = s
	}
	var cmd bson.D
	switch b.form {
	case insertForm:
		cmd = bson.D{{Key: "insert", Value: b.ns.Collection}, {Key: "documents", Value: statements}}
	case updateForm:
		cmd = bson.D{{Key: "update", Value: b.ns.Collection}, {Key: "updates", Value: statements}}
	case deleteForm:
		cmd = bson.D{{Key: "delete", Value: b.ns.Collection}, {Key: "deletes", Value: statements}}
	case bulkForm:
		ns := bson.D{{Key: "ns", Value: b.ns.Database + "." + b.ns.Collection}}
		cmd = bson.D{
			{Key: "bulkWrite", Value: 1},
			{Key: "ops", Value: statements},
			{Key: "nsInfo", Value: bson.A{ns}},
			{Key: "errorsOnly", Value: false},
		}
	}
	return append(cmd, bson.E{Key: "ordered", Value: true})
}

// plan turns the writes into as few commands as their sizes and the server allow, or refuses them all.
func plan(ns rules.Namespace, ws []proxy.GuardedWrite, caps capabilities) ([]batch, error) {
	bulk := caps.bulkWrite && len(ws) > 1 && slices.ContainsFunc(ws, isNoInsert)
	var batches []batch
	for _, w := range ws {
		f := formOf(w.Kind, bulk)
		statement, err := encode(w, f, caps)
		if err == nil && len(statement) > caps.maxDocument && f == bulkForm && w.Kind == proxy.InsertDocument {
			// A document of the largest size has no room for anything else.
			f, statement = insertForm, w.Document
		}
		if err != nil {
			return nil, err
		}
		if len(statement) > caps.maxDocument {
			return nil, proxy.ErrDocumentTooLarge
		}
		last := len(batches) - 1
		if last < 0 || !batches[last].takes(f, statement, caps) {
			batches = append(batches, batch{form: f, ns: ns})
			last++
		}
		b := &batches[last]
		b.statements = append(b.statements, statement)
		b.kinds = append(b.kinds, w.Kind)
		b.size += len(statement) + statementOverhead
	}
	return batches, nil
}

func isNoInsert(w proxy.GuardedWrite) bool { return w.Kind != proxy.InsertDocument }

func formOf(k proxy.WriteKind, bulk bool) form {
	switch {
	case bulk:
		return bulkForm
	case k == proxy.InsertDocument:
		return insertForm
	case k == proxy.DeleteDocument:
		return deleteForm
	}
	return updateForm
}

// takes tells whether one more statement fits. The whole command is one BSON document, so it is the document limit
// that counts, not the larger one of a message.
func (b batch) takes(f form, statement bson.Raw, caps capabilities) bool {
	most := caps.maxStatements
	switch {
	case f == bulkForm:
		most = min(most, bulkStatements)
	case f != insertForm && !caps.expr:
		most = 1 // this server's totals are wrong when a statement fails
	}
	return b.form == f && len(b.statements) < most && b.size+len(statement)+statementOverhead <= caps.maxDocument
}

// encode writes one statement in the shape its command wants.
func encode(w proxy.GuardedWrite, f form, caps capabilities) (bson.Raw, error) {
	if w.Kind == proxy.InsertDocument {
		if w.Document == nil {
			return nil, fmt.Errorf("%w: insert without document", proxy.ErrRejected)
		}
		if f == bulkForm {
			return bson.Marshal(bson.D{{Key: "insert", Value: 0}, {Key: "document", Value: w.Document}})
		}
		return w.Document, nil
	}
	filter, err := guardFilter(w, caps)
	if err != nil {
		return nil, err
	}
	var d bson.D
	if w.Kind == proxy.DeleteDocument {
		d = bson.D{{Key: "q", Value: filter}, {Key: "limit", Value: 1}}
		if f == bulkForm {
			d = bson.D{{Key: "delete", Value: 0}, {Key: "filter", Value: filter}, {Key: "multi", Value: false}}
		}
	} else {
		change, err := modification(w, caps)
		if err != nil {
			return nil, err
		}
		d = bson.D{{Key: "q", Value: filter}, {Key: "u", Value: change}, {Key: "multi", Value: false}}
		if f == bulkForm {
			d = bson.D{
				{Key: "update", Value: 0},
				{Key: "filter", Value: filter},
				{Key: "updateMods", Value: change},
				{Key: "multi", Value: false},
			}
		}
	}
	if caps.collation {
		d = append(d, bson.E{Key: "collation", Value: simpleCollation})
	}
	return bson.Marshal(d)
}

// modification is the update of a statement: a difference, or a whole document.
func modification(w proxy.GuardedWrite, caps capabilities) (any, error) {
	switch w.Kind {
	case proxy.UpdateFields:
		return difference(w.Set, w.Unset)
	case proxy.ReplaceDocument:
		if w.Document == nil || hasOperator(w.Document) {
			return nil, fmt.Errorf("%w: not a replacement document", proxy.ErrRejected)
		}
		if !caps.expr && w.Guard.Document != nil {
			return replacingDifference(w.Guard.Document, w.Document)
		}
		return w.Document, nil
	}
	return nil, fmt.Errorf("%w: unknown kind of write", proxy.ErrRejected)
}

// difference refuses an empty one: {} as an update is a replacement by nothing.
func difference(set []proxy.FieldValue, unset []string) (bson.D, error) {
	var values, names, update bson.D
	for _, f := range set {
		if err := plainPath(f.Path); err != nil {
			return nil, err
		}
		values = append(values, bson.E{Key: f.Path, Value: f.Value})
	}
	for _, path := range unset {
		if err := plainPath(path); err != nil {
			return nil, err
		}
		names = append(names, bson.E{Key: path, Value: ""})
	}
	if len(values) > 0 {
		update = append(update, bson.E{Key: "$set", Value: values})
	}
	if len(names) > 0 {
		update = append(update, bson.E{Key: "$unset", Value: names})
	}
	if len(update) == 0 {
		return nil, fmt.Errorf("%w: empty difference", proxy.ErrRejected)
	}
	return update, nil
}

// plainPath refuses what the server would read as a positional operator or not at all.
func plainPath(path string) error {
	for segment := range strings.SplitSeq(path, ".") {
		if err := plainName(segment); err != nil {
			return err
		}
	}
	return nil
}

func hasOperator(doc bson.Raw) bool {
	for it := bsonval.NewIter(doc); it.Next(); {
		if key := it.Key(); len(key) > 0 && key[0] == '$' {
			return true
		}
	}
	return false
}

// replacingDifference is a replacement for servers whose guard cannot see fields that arrived meanwhile: those are
// kept. The order of fields stays that of the stored document.
func replacingDifference(before, after bson.Raw) (any, error) {
	var set []proxy.FieldValue
	var unset []string
	for it := bsonval.NewIter(after); it.Next(); {
		name := string(it.Key())
		if old, ok := bsonval.Lookup(before, name); !ok || !bsonval.Identical(old, it.Value()) {
			set = append(set, proxy.FieldValue{Path: name, Value: it.Value()})
		}
	}
	for it := bsonval.NewIter(before); it.Next(); {
		if _, ok := bsonval.Lookup(after, string(it.Key())); !ok && string(it.Key()) != "_id" {
			unset = append(unset, string(it.Key()))
		}
	}
	if len(set)+len(unset) == 0 {
		return after, nil
	}
	return difference(set, unset)
}
