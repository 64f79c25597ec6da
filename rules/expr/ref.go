package expr

import (
	"slices"
	"strings"

	"github.com/rolegate/rolegate/internal/query"
)

// base says what an expansion's path starts from.
type base uint8

const (
	baseConst base = iota // a value written in place: %%true on the left
	baseUser
	baseCustomData // %%user.custom_data, apart because it may be unresolved on both sides
	baseRequest
	baseValues
	baseEnvironment
	baseNow
	baseTime
	baseLookups
	baseNever // %%args and %%partition, which have no value here
	baseCall  // not an expansion: a function is called
	baseRoot
	basePrevRoot
	baseThis
	basePrev
)

// ofDocument tells whether the base is only known once there is a document.
func (b base) ofDocument() bool { return b >= baseRoot }

// ref is an expansion: a base and a path below it.
type ref struct {
	base    base
	text    string     // the path below the base, "" for the base itself
	path    query.Path // of text, when it is not empty
	wrapped query.Path // the same path below wrapName
}

// The first segment of an expansion's name.
var expansions = map[string]base{
	"user":        baseUser,
	"request":     baseRequest,
	"values":      baseValues,
	"environment": baseEnvironment,
	"now":         baseNow,
	"time":        baseTime,
	"lookups":     baseLookups,
	"args":        baseNever,
	"partition":   baseNever,
	"root":        baseRoot,
	"prevRoot":    basePrevRoot,
	"this":        baseThis,
	"prev":        basePrev,
}

var expansionNames = []string{
	"%%user", "%%request", "%%values", "%%environment", "%%lookups", "%%now", "%%time", "%%root", "%%prevRoot", "%%this", "%%prev", "%%true", "%%false",
}

// The members of %%user, %%request and %%environment. Another name never has a value: a condition such as
// {"%%user.rol": {"$ne": "guest"}} must not grant.
var (
	userNames    = []string{"id", "type", "data", "custom_data", "identities"}
	requestNames = []string{
		"operation", "action", "service", "httpMethod", "httpReferrer", "httpUserAgent",
		"rawQueryString", "remoteIPAddress", "requestHeaders", "webhookUrl",
	}
	environmentNames = []string{"tag", "values"}
)

// has tells whether the path starts with a member that the base can have.
func (b base) has(path string) bool {
	first, _, _ := strings.Cut(path, ".")
	switch {
	case first == "":
		return true
	case b == baseUser:
		return slices.Contains(userNames, first)
	case b == baseRequest:
		return slices.Contains(requestNames, first)
	case b == baseEnvironment:
		return slices.Contains(environmentNames, first)
	case b == baseTime:
		return slices.Contains(timeNames, path)
	case b == baseNow:
		return false
	default:
		return true
	}
}

// newRef makes a reference. The path has been checked for empty segments by the caller.
func newRef(b base, path string) (ref, error) {
	if !b.has(path) {
		b = baseNever
	}
	if b == baseUser {
		if path == "custom_data" {
			b, path = baseCustomData, ""
		} else if rest, ok := strings.CutPrefix(path, "custom_data."); ok {
			b, path = baseCustomData, rest
		}
	}
	if b == baseRequest {
		// Header names are case-insensitive; the request holds them in lower case.
		if rest, ok := strings.CutPrefix(path, "requestHeaders."); ok {
			path = "requestHeaders." + strings.ToLower(rest)
		}
	}
	r := ref{base: b, text: path}
	if path == "" {
		return r, nil
	}
	var err error
	if r.path, err = query.ParsePath(path); err != nil {
		return r, err
	}
	r.wrapped, err = query.ParsePath(wrapName + "." + path)
	return r, err
}

// below is the reference to a field under r.
func (r ref) below(path string) (ref, error) {
	if _, err := query.ParsePath(path); err != nil {
		return ref{}, err
	}
	if r.text != "" {
		path = r.text + "." + path
	}
	b := r.base
	if b == baseCustomData {
		b = baseUser
		path = "custom_data." + path
	}
	return newRef(b, path)
}
