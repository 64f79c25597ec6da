package mongostore

import (
	"fmt"

	"github.com/rolegate/rolegate/proxy"
)

// writeReply is what insert, update, delete and bulkWrite answer, as far as it is needed. Messages are left out: they
// quote stored values.
type writeReply struct {
	N                 int                `bson:"n"`
	Modified          int                `bson:"nModified"` // of update
	WriteErrors       []failedStatement  `bson:"writeErrors"`
	WriteConcernError *writeConcernError `bson:"writeConcernError"`
	Cursor            *struct {          // of bulkWrite
		ID         int64             `bson:"id"`
		FirstBatch []statementResult `bson:"firstBatch"`
	} `bson:"cursor"`
}

type failedStatement struct {
	Index int   `bson:"index"`
	Code  int32 `bson:"code"`
}

func (f failedStatement) error() error {
	return &proxy.StatementError{Index: f.Index, Err: statementError(f.Code)}
}

type statementResult struct {
	OK    float64 `bson:"ok"`
	Index int     `bson:"idx"`
	N     int     `bson:"n"`
	Code  int32   `bson:"code"`
}

// writeConcernError says that what was stored may be lost with the server that stored it.
type writeConcernError struct {
	Code int32 `bson:"code"`
}

func (e *writeConcernError) error() error {
	if e == nil {
		return nil
	}
	return fmt.Errorf("%w: write concern not satisfied (code %d)", proxy.ErrUnclear, e.Code)
}

func (r *writeReply) outcome(b batch) (matched []bool, done int, err error) {
	switch b.form {
	case insertForm:
		matched, err = r.inserted(len(b.statements))
	case bulkForm:
		matched, err = r.each(len(b.statements))
	default:
		matched, err = r.total(len(b.statements))
	}
	if matched == nil {
		done = r.N
	}
	for _, m := range matched {
		if m {
			done++
		}
	}
	if err == nil {
		err = r.WriteConcernError.error()
	}
	return matched, done, err
}

// inserted: ordered, so the place of the error is the number of stored documents.
func (r *writeReply) inserted(n int) ([]bool, error) {
	if len(r.WriteErrors) == 0 {
		if r.N != n {
			return nil, fmt.Errorf("%w: %d of %d documents", proxy.ErrUnclear, r.N, n)
		}
		return all(true, n), nil
	}
	failed := r.WriteErrors[0]
	if failed.Index < 0 || failed.Index >= n {
		return nil, statementError(failed.Code)
	}
	return append(all(true, failed.Index), false), failed.error()
}

// each reads the results of bulkWrite. They fit into the first batch because of bulkStatements.
func (r *writeReply) each(n int) ([]bool, error) {
	matched := make([]bool, 0, n)
	if r.Cursor == nil || r.Cursor.ID != 0 {
		return matched, fmt.Errorf("%w: results of the statements are incomplete", proxy.ErrUnclear)
	}
	for i, s := range r.Cursor.FirstBatch {
		if s.Index != i || i >= n {
			return matched, fmt.Errorf("%w: results of the statements are out of order", proxy.ErrUnclear)
		}
		matched = append(matched, s.OK == 1 && s.N > 0)
		if s.OK != 1 {
			return matched, failedStatement{i, s.Code}.error()
		}
	}
	if len(matched) < n {
		return matched, fmt.Errorf("%w: results of the statements are incomplete", proxy.ErrUnclear)
	}
	return matched, nil
}

// total reads a reply that only counts. The count tells about each statement when it is all or none, so always for a
// single statement.
func (r *writeReply) total(n int) ([]bool, error) {
	var err error
	answered := n
	if len(r.WriteErrors) > 0 {
		failed := r.WriteErrors[0]
		if failed.Index < 0 || failed.Index >= n {
			return nil, statementError(failed.Code)
		}
		err = failed.error()
		answered = failed.Index
	}
	var matched []bool
	switch r.N {
	case answered:
		matched = all(true, answered)
	case 0:
		matched = all(false, answered)
	default:
		return nil, err
	}
	if err != nil {
		matched = append(matched, false)
	}
	return matched, err
}

func all(value bool, n int) []bool {
	s := make([]bool, n)
	for i := range s {
		s[i] = value
	}
	return s
}
