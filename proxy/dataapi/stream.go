package dataapi

import (
	"errors"
	"net/http"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
)

// chunk is how much is written at a time once the answer has begun.
const chunk = 64 << 10

var errClientGone = errors.New("the client went away")

// stream writes {"documents": […]}, or values under another key, as they come. The first part is held back: until it
// is sent an error gets its own status, and an answer that ends before has a Content-Length. After that an error can only
// cut the connection, which the client notices because the last chunk never comes.
type stream struct {
	x    *exchange
	buf  *[]byte
	n    int   // values
	sent int64 // bytes
	err  error // why emit stopped; it decides the answer, whatever the proxy makes of it
}

func newStream(x *exchange, key string) *stream {
	st := &stream{x: x, buf: x.s.buffers.Get().(*[]byte)}
	*st.buf = append(append(append((*st.buf)[:0], `{"`...), key...), `":[`...)
	return st
}

// release gives the buffer back, unless one huge document made it huge.
func (st *stream) release() {
	if cap(*st.buf) <= 2*holdBack {
		st.x.s.buffers.Put(st.buf)
	}
	st.buf = nil
}

// emit appends one document of the answer. The document is not kept.
func (st *stream) emit(doc bson.Raw) error {
	if st.err == nil {
		st.err = st.add(bsonval.FromDocument(doc))
	}
	return st.err
}

func (st *stream) add(v bson.RawValue) error {
	if st.n > 0 {
		*st.buf = append(*st.buf, ',')
	}
	st.n++
	var err error
	if *st.buf, err = st.x.append(*st.buf, v); err != nil {
		return err
	}
	if limit := st.x.s.MaxResponse; limit > 0 && st.sent+int64(len(*st.buf)) > limit {
		return responseTooLarge(limit)
	}
	if st.x.status == 0 && len(*st.buf) > holdBack || st.x.status != 0 && len(*st.buf) >= chunk {
		return st.flush()
	}
	return nil
}

// end ends the answer, which is complete if the operation did not fail.
func (st *stream) end(err error) error {
	switch {
	case st.err != nil:
		return st.err
	case err != nil:
		return err
	}
	*st.buf = append(*st.buf, `]}`...)
	if st.x.status != 0 {
		return st.flush()
	}
	st.x.send(http.StatusOK, st.x.contentType(), *st.buf)
	return nil
}

func (st *stream) flush() error {
	if st.x.status == 0 {
		st.x.w.Header().Set("Content-Type", st.x.contentType())
		st.x.status = http.StatusOK
		st.x.w.WriteHeader(http.StatusOK)
	}
	st.sent += int64(len(*st.buf))
	if _, err := st.x.w.Write(*st.buf); err != nil {
		return errClientGone
	}
	*st.buf = (*st.buf)[:0]
	return nil
}
