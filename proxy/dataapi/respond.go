package dataapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/jsfunc"
)

// respond sends what the function of an endpoint made of the request: the body that it set, or else what it returned.
func (x *exchange) respond(e *Endpoint, res *jsfunc.Response) error {
	if e.Silent {
		x.sendEmpty(http.StatusNoContent)
		return nil
	}
	status := http.StatusOK
	if res.Status != 0 {
		status = res.Status
	}
	body, contentType := res.Body, "application/octet-stream"
	switch {
	case body != nil && res.Literal:
		contentType = "text/plain; charset=utf-8"
	case body != nil:
	case bsonval.IsMissing(res.Result) && res.Changed: // it said what it had to say
	default:
		v := res.Result
		if bsonval.IsMissing(v) {
			v = bsonval.Null()
		}
		var err error
		if body, err = x.append(nil, v); err != nil {
			return err
		}
		contentType = x.contentType()
	}
	if limit := x.s.MaxResponse; limit > 0 && int64(len(body)) > limit {
		return responseTooLarge(limit)
	}
	h := x.w.Header()
	for name, values := range res.Header {
		if !reservedHeader(name) {
			h[name] = slices.Clone(values)
		}
	}
	if t := res.Header.Get("Content-Type"); t != "" {
		contentType = t
	}
	if body == nil || status == http.StatusNoContent || status == http.StatusNotModified {
		x.sendEmpty(status)
		return nil
	}
	x.send(status, contentType, body)
	return nil
}

// sendEmpty sends an answer without a body.
func (x *exchange) sendEmpty(status int) {
	x.status = status
	x.w.WriteHeader(status)
}

// reservedHeader tells which headers no function sets: those that frame the answer, those that say which pages may read it,
// and our own.
func reservedHeader(name string) bool {
	return strings.HasPrefix(name, "Access-Control-") || slices.Contains([]string{
		"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Keep-Alive", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding",
		"Upgrade", "Vary", "X-Content-Type-Options", "X-Request-Id",
	}, name)
}

func responseTooLarge(limit int64) error {
	return &failure{
		reason: "response_size", status: http.StatusBadRequest, code: codeReadSize,
		text: "the answer exceeds " + strconv.FormatInt(limit>>20, 10) + " MB",
	}
}
