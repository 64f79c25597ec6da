package dataapi

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
)

// maxRatio is how much larger than what was sent a decompressed body may be.
const maxRatio = 100

// body is a body as it was sent.
type body struct {
	sent   []byte
	zipped bool
}

// readBody reads the whole body within its limits of type, size and time.
func (s *server) readBody(x *exchange) (b body, err error) {
	if err := checkMediaType(x.r.Header); err != nil {
		return body{}, err
	}
	return s.readSent(x)
}

// readSent reads a body of any type.
func (s *server) readSent(x *exchange) (b body, err error) {
	if b.zipped, err = isGzip(x.r.Header); err != nil {
		return body{}, err
	}
	if s.MaxBody > 0 && x.r.ContentLength > s.MaxBody {
		return body{}, tooLarge()
	}
	x.readWithin(s.BodyTimeout)
	var r io.Reader = x.r.Body
	if s.MaxBody > 0 {
		r = http.MaxBytesReader(x.w, x.r.Body, s.MaxBody)
	}
	b.sent, err = io.ReadAll(r) // grows with what arrives, never with what was announced
	if err != nil {
		return body{}, bodyFailure(err)
	}
	x.readWithin(0) // or the connection would count as broken while the request runs
	return b, nil
}

// unzip decompresses up to the smaller of the two limits.
func (s *server) unzip(b body) ([]byte, error) {
	if !b.zipped {
		return b.sent, nil
	}
	zr, err := gzip.NewReader(bytes.NewReader(b.sent))
	if err != nil {
		return nil, invalid("the body is not gzip")
	}
	limit := int64(len(b.sent)) * maxRatio
	if s.MaxBody > 0 {
		limit = min(limit, s.MaxBody)
	}
	out, err := io.ReadAll(io.LimitReader(zr, limit+1))
	switch {
	case int64(len(out)) > limit:
		return nil, tooLarge()
	case err != nil:
		return nil, invalid("the body is not gzip")
	}
	return out, nil
}

func bodyFailure(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &failure{reason: "slow_body", status: http.StatusRequestTimeout, code: codeBadRequest, text: "the body took too long"}
	}
	f := failureOf(invalid("cannot read the body"))
	f.cause = err
	return f
}

func tooLarge() error {
	return &failure{reason: "body_size", status: http.StatusRequestEntityTooLarge, code: codeBadRequest, text: "request body too large"}
}

// checkMediaType lets JSON in, and what a bare curl -d sends. From a page the latter is refused: a browser sends
// such types to other sites without asking first.
func checkMediaType(h http.Header) error {
	values := h.Values("Content-Type")
	if len(values) > 1 {
		return invalid("several content types")
	}
	t := ""
	if len(values) == 1 && values[0] != "" {
		var err error
		if t, _, err = mime.ParseMediaType(values[0]); err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
			return invalid("malformed content type")
		}
	}
	switch t {
	case "application/json", "application/ejson":
		return nil
	case "", "application/x-www-form-urlencoded", "text/plain":
		if len(h.Values("Origin")) > 0 {
			return &failure{reason: "media_type", status: http.StatusUnsupportedMediaType, code: codeBadRequest, text: "content type must be application/json or application/ejson"}
		}
		return nil
	}
	return invalid("content type must be application/json or application/ejson")
}

func isGzip(h http.Header) (bool, error) {
	values := h.Values("Content-Encoding")
	if len(values) > 1 {
		return false, encodingFailure()
	}
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))) {
	case "", "identity":
		return false, nil
	case "gzip", "x-gzip":
		return true, nil
	}
	return false, encodingFailure()
}

func encodingFailure() error {
	return &failure{reason: "content_encoding", status: http.StatusUnsupportedMediaType, code: codeBadRequest, text: "content encoding must be gzip"}
}

// negotiate picks the format of the answer. Only a type named in full counts: half of the world sends */*.
func negotiate(h http.Header, def Format) Format {
	best, format := 0.0, def
	for _, line := range h.Values("Accept") {
		for part := range strings.SplitSeq(line, ",") {
			t, params, err := mime.ParseMediaType(part)
			if err != nil || t != "application/json" && t != "application/ejson" {
				continue
			}
			q := 1.0
			if s, ok := params["q"]; ok {
				if q, err = strconv.ParseFloat(s, 64); err != nil {
					continue
				}
			}
			if q > best {
				best, format = q, JSON
				if t == "application/ejson" {
					format = EJSON
				}
			}
		}
	}
	return format
}
