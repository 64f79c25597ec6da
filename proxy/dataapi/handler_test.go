package dataapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
	"github.com/rolegate/rolegate/rules"
)

const findBody = `{` + names + `}`

func TestCredentials(t *testing.T) {
	const (
		noUser   = `{"error":"invalid session: error finding user for endpoint","error_code":"InvalidSession"}`
		expired  = `{"error":"invalid session: access token expired","error_code":"InvalidSession"}`
		none     = `{"error":"no authentication methods were specified","error_code":"InvalidParameter"}`
		half     = `{"error":"must specify some form of authentication (either email+password, api-key, or jwt) in the request header or body","error_code":"MissingParameter"}`
		accepted = `{"documents":[]}`
	)
	tests := []struct {
		name    string
		headers http.Header
		user    string
		status  int
		body    string
	}{
		{"none", http.Header{}, "", 400, none},
		{"empty key", http.Header{"apiKey": {""}}, "", 400, none},
		{"email only", http.Header{"email": {"ann@example.com"}}, "", 400, half},
		{"password only", http.Header{"password": {"good-password"}}, "", 400, half},
		{"email only beside a good key", http.Header{"email": {"ann@example.com"}, "apiKey": {"good-key"}}, "", 400, half},
		{"wrong key", http.Header{"apiKey": {"bad"}}, "", 401, noUser},
		{"wrong password", http.Header{"email": {"ann@example.com"}, "password": {"bad"}}, "", 401, noUser},
		{"wrong JWT", http.Header{"jwtTokenString": {"bad"}}, "", 401, noUser},
		{"bad bearer beside a good key", http.Header{"Authorization": {"Bearer bad"}, "apiKey": {"good-key"}}, "", 401, noUser},
		{"empty bearer beside a good key", http.Header{"Authorization": {"Bearer"}, "apiKey": {"good-key"}}, "", 401, noUser},
		{"expired bearer", http.Header{"Authorization": {"Bearer expired-token"}}, "", 401, expired},
		{"two bearers", http.Header{"Authorization": {"Bearer good-token", "Bearer good-token"}}, "", 401, noUser},
		{"two keys", http.Header{"apiKey": {"good-key", "other"}}, "", 401, noUser},
		{"two keys under two names", http.Header{"apiKey": {"good-key"}, "api-key": {"other"}}, "", 401, noUser},
		{"bad email and password beside a good key", http.Header{"email": {"x"}, "password": {"x"}, "apiKey": {"good-key"}}, "", 401, noUser},
		{"bearer", http.Header{"Authorization": {"Bearer good-token"}}, "token-user", 200, accepted},
		{"bearer in lower case", http.Header{"authorization": {"bearer good-token"}}, "token-user", 200, accepted},
		{"basic beside a good key", http.Header{"Authorization": {"Basic eDp5"}, "apiKey": {"good-key"}}, "key-user", 200, accepted},
		{"apiKey", http.Header{"apiKey": {"good-key"}}, "key-user", 200, accepted},
		{"api-key", http.Header{"api-key": {"good-key"}}, "key-user", 200, accepted},
		{"both names, one key", http.Header{"api-key": {"good-key"}, "apiKey": {"good-key"}}, "key-user", 200, accepted},
		{"email and password", http.Header{"email": {"ann@example.com"}, "password": {"good-password"}}, "email-user", 200, accepted},
		{"JWT", http.Header{"jwtTokenString": {"good-jwt"}}, "jwt-user", 200, accepted},
		{"key before JWT", http.Header{"jwtTokenString": {"good-jwt"}, "apiKey": {"good-key"}}, "key-user", 200, accepted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := &fake{}
			res := post(dataapi.New(config(f)), "find", findBody, func(r *http.Request) {
				r.Header.Del("Apikey")
				for name, values := range tt.headers {
					for _, v := range values {
						r.Header.Add(name, v)
					}
				}
			})
			if got := text(t, res); res.StatusCode != tt.status || got != tt.body {
				t.Errorf("%d %s, want %d %s", res.StatusCode, got, tt.status, tt.body)
			}
			user := ""
			if f.caller.User != nil {
				user = f.caller.User.ID
			}
			if user != tt.user {
				t.Errorf("ran as %q, want %q", user, tt.user)
			}
		})
	}
}

func TestWhatAnAuthenticatorMayAnswer(t *testing.T) {
	tests := []struct {
		err    error
		status int
		body   string
	}{
		{nil, 401, `{"error":"invalid session: error finding user for endpoint","error_code":"InvalidSession"}`}, // and no user
		{fmt.Errorf("jwt: %w", dataapi.ErrBadCredentials), 401, `{"error":"invalid session: error finding user for endpoint","error_code":"InvalidSession"}`},
		{dataapi.ErrUserDisabled, 401, `{"error":"user disabled","error_code":"UserDisabled"}`},
		{dataapi.ErrUnconfirmed, 401, `{"error":"confirmation required","error_code":"AuthError"}`},
		{dataapi.ErrTooManyAttempts, 429, `{"error":"too many failed attempts","error_code":"BadRequest"}`},
		{dataapi.ErrAuthUnavailable, 503, `{"error":"the service is unavailable","error_code":"InternalServerError"}`},
		{context.DeadlineExceeded, 504, `{"error":"execution time limit exceeded","error_code":"ExecutionTimeLimitExceeded"}`},
		{errors.New("boom"), 500, `{"error":"internal server error","error_code":"InternalServerError"}`},
	}
	for _, tt := range tests {
		c := config(&fake{})
		c.Authenticate = func(context.Context, dataapi.Credentials) (*rules.User, error) { return nil, tt.err }
		res := post(dataapi.New(c), "find", findBody, nil)
		if got := text(t, res); res.StatusCode != tt.status || got != tt.body {
			t.Errorf("%v: %d %s, want %d %s", tt.err, res.StatusCode, got, tt.status, tt.body)
		}
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	c := dataapi.Credentials{Email: "ann", Secret: "hush"}
	if s := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(s, "hush") || strings.Contains(s, "ann") {
		t.Errorf("printed %s", s)
	}
}

func TestRoutes(t *testing.T) {
	const path = `{"error":"cannot find the path","error_code":"BadRequest"}`
	tests := []struct {
		name, method, path string
		status             int
		body               string
	}{
		{"action", "POST", base + "find", 200, `{"documents":[]}`},
		{"beta", "POST", "/app/myapp-abcde/endpoint/data/beta/action/find", 200, `{"documents":[]}`},
		{"version not served", "POST", "/app/myapp-abcde/endpoint/data/v2/action/find", 404, `{"error":"cannot find the API version","error_code":"BadRequest"}`},
		{"unknown app", "POST", "/app/other/endpoint/data/v1/action/find", 404, `{"error":"cannot find app using Client App ID 'other'","error_code":"BadRequest"}`},
		{"unknown app, other path", "GET", "/app/other/endpoint/hello", 404, `{"error":"cannot find app using Client App ID 'other'","error_code":"BadRequest"}`},
		{"unknown app, escaped", "POST", "/app/%22%3Cmyapp-abcde/endpoint/data/v1/action/find", 404, `{"error":"cannot find app using Client App ID '%22%3Cmyapp-abcde'","error_code":"BadRequest"}`},
		{"unknown action", "POST", base + "drop", 404, `{"error":"cannot find the action","error_code":"BadRequest"}`},
		{"action that nobody has", "POST", base + "watch", 404, `{"error":"cannot find the action","error_code":"BadRequest"}`},
		{"action in another case", "POST", base + "FindOne", 404, `{"error":"cannot find the action","error_code":"BadRequest"}`},
		{"escaped action", "POST", base + "%66ind", 404, `{"error":"cannot find the action","error_code":"BadRequest"}`},
		{"escaped slash", "POST", "/app/myapp-abcde/endpoint/data/v1/action%2Ffind", 404, path},
		{"trailing slash", "POST", base + "find/", 404, path},
		{"double slash", "POST", "/app/myapp-abcde/endpoint/data/v1//action/find", 404, path},
		{"dots", "POST", "/app/myapp-abcde/endpoint/data/v1/action/x/../find", 404, path},
		{"custom endpoint", "GET", "/app/myapp-abcde/endpoint/hello", 404, path},
		{"root", "GET", "/", 404, path},
		{"GET", "GET", base + "find", 405, `{"error":"only POST is allowed","error_code":"BadRequest"}`},
		{"PUT", "PUT", base + "find", 405, `{"error":"only POST is allowed","error_code":"BadRequest"}`},
		{"OPTIONS that is no preflight", "OPTIONS", base + "find", 405, `{"error":"only POST is allowed","error_code":"BadRequest"}`},
	}
	c := config(&fake{})
	c.Versions = []string{"v1", "beta"}
	h := dataapi.New(c)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.path, strings.NewReader(findBody))
			r.Header.Set("Apikey", "good-key")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			res := w.Result()
			if got := text(t, res); res.StatusCode != tt.status || got != tt.body {
				t.Errorf("%d %s, want %d %s", res.StatusCode, got, tt.status, tt.body)
			}
			if ct := res.Header.Get("Content-Type"); ct != "application/json" {
				t.Errorf("Content-Type: %q", ct)
			}
			if allow := res.Header.Get("Allow"); (allow == "POST") != (tt.status == 405) {
				t.Errorf("Allow: %q", allow)
			}
		})
	}
}

func TestDisabledServesNothing(t *testing.T) {
	c := config(&fake{})
	c.Versions = nil
	if res := post(dataapi.New(c), "find", findBody, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("%d, want 404", res.StatusCode)
	}
}

// Every kind of failure of the proxy has its row, and the client is told what the row says.
func TestFailuresOfTheProxy(t *testing.T) {
	cause := errors.New("E11000 duplicate key error: { name: \"secret value\" }")
	tests := []struct {
		err    error
		status int
		body   string
	}{
		{&proxy.Error{Kind: proxy.Internal, Message: "m", Cause: cause}, 500, `{"error":"internal server error","error_code":"InternalServerError"}`},
		{&proxy.Error{Kind: proxy.Invalid, Message: "m", Cause: cause}, 400, `{"error":"m","error_code":"InvalidParameter"}`},
		{&proxy.Error{Kind: proxy.Invalid}, 400, `{"error":"invalid request","error_code":"InvalidParameter"}`},
		{&proxy.Error{Kind: proxy.Missing, Message: "m"}, 400, `{"error":"m","error_code":"MissingParameter"}`},
		{&proxy.Error{Kind: proxy.NoRule, Message: "no rule exists for namespace 'app.c'"}, 403, `{"error":"no rule exists for namespace 'app.c'","error_code":"NoMatchingRuleFound"}`},
		{&proxy.Error{Kind: proxy.Denied, Message: "m"}, 403, `{"error":"m","error_code":"NoMatchingRuleFound"}`},
		{&proxy.Error{Kind: proxy.UnknownService, Message: "m"}, 400, `{"error":"m","error_code":"ServiceNotFound"}`},
		{&proxy.Error{Kind: proxy.Unsupported, Message: "m"}, 400, `{"error":"m","error_code":"InvalidParameter"}`},
		{&proxy.Error{Kind: proxy.DuplicateKey, Message: "m", Cause: cause}, 400, `{"error":"duplicate key","error_code":"MongoDBError"}`},
		{&proxy.Error{Kind: proxy.TooLarge, Message: "m"}, 400, `{"error":"m","error_code":"MongoDBError"}`},
		{&proxy.Error{Kind: proxy.ScanLimit, Message: "m"}, 400, `{"error":"m","error_code":"MongoDBError"}`},
		{&proxy.Error{Kind: proxy.SchemaFailed, Message: "m"}, 400, `{"error":"m","error_code":"SchemaValidationFailedWrite"}`},
		{&proxy.Error{Kind: proxy.Rejected, Message: "m", Cause: cause}, 400, `{"error":"the database refused the request","error_code":"MongoDBError"}`},
		{&proxy.Error{Kind: proxy.Conflict, Message: "m"}, 409, `{"error":"the document was changed by someone else","error_code":"MongoDBError"}`},
		{&proxy.Error{Kind: proxy.Unclear, Message: "m", Cause: cause}, 503, `{"error":"the outcome of the write is not known","error_code":"InternalServerError"}`},
		{&proxy.Error{Kind: proxy.Unavailable, Message: "m", Cause: cause}, 503, `{"error":"the service is unavailable","error_code":"InternalServerError"}`},
		{&proxy.Error{Kind: proxy.TimedOut, Message: "m"}, 504, `{"error":"execution time limit exceeded","error_code":"ExecutionTimeLimitExceeded"}`},
		{&proxy.Error{Kind: 200, Message: "m", Cause: cause}, 500, `{"error":"internal server error","error_code":"InternalServerError"}`},
		{&proxy.Error{Kind: proxy.Internal, Cause: context.DeadlineExceeded}, 504, `{"error":"execution time limit exceeded","error_code":"ExecutionTimeLimitExceeded"}`},
		{fmt.Errorf("wrapped: %w", &proxy.Error{Kind: proxy.Denied, Message: "m"}), 403, `{"error":"m","error_code":"NoMatchingRuleFound"}`},
		{fmt.Errorf("wrapped: %w", context.DeadlineExceeded), 504, `{"error":"execution time limit exceeded","error_code":"ExecutionTimeLimitExceeded"}`},
		{cause, 500, `{"error":"internal server error","error_code":"InternalServerError"}`},
	}
	for _, tt := range tests {
		var log bytes.Buffer
		c := config(&fake{err: tt.err})
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		res := post(dataapi.New(c), "deleteOne", `{`+names+`,"filter":{"a":"secret value"}}`, nil)
		if got := text(t, res); res.StatusCode != tt.status || got != tt.body {
			t.Errorf("%v: %d %s, want %d %s", tt.err, res.StatusCode, got, tt.status, tt.body)
		}
		if strings.Contains(log.String(), "secret value") || strings.Count(log.String(), "\n") != 1 {
			t.Errorf("%v: logged %s, want one line without values", tt.err, &log)
		}
	}
}

func TestReadsThatAreTooLarge(t *testing.T) {
	reads := map[string]string{"find": ``, "findOne": ``, "countDocuments": ``, "distinct": `,"key":"a"`, "aggregate": `,"pipeline":[]`}
	for kind, want := range map[proxy.Kind]string{
		proxy.TooLarge:  `{"error":"size limit exceeded","error_code":"ReadSizeLimitExceeded"}`,
		proxy.ScanLimit: `{"error":"too many documents to examine","error_code":"ReadSizeLimitExceeded"}`,
	} {
		for action, keys := range reads {
			res := post(dataapi.New(config(&fake{err: &proxy.Error{Kind: kind}})), action, `{`+names+keys+`}`, nil)
			if got := text(t, res); res.StatusCode != 400 || got != want {
				t.Errorf("%s: %d %s, want 400 %s", action, res.StatusCode, got, want)
			}
		}
	}
}

func TestNoExtensions(t *testing.T) {
	c := config(&fake{})
	c.NoExtensions = true
	h := dataapi.New(c)
	const gone = `{"error":"cannot find the action","error_code":"BadRequest"}`
	for action, keys := range map[string]string{
		"countDocuments": ``, "distinct": `,"key":"a"`, "findOneAndUpdate": `,"filter":{},"update":{}`,
		"findOneAndReplace": `,"filter":{},"replacement":{}`, "findOneAndDelete": `,"filter":{}`,
		"bulkWrite": `,"operations":[{"deleteOne":{"filter":{}}}]`,
	} {
		res := post(h, action, `{`+names+keys+`}`, nil)
		if got := text(t, res); res.StatusCode != http.StatusNotFound || got != gone {
			t.Errorf("%s: %d %s, want 404 %s", action, res.StatusCode, got, gone)
		}
	}
	for action, keys := range map[string]string{"find": ``, "aggregate": `,"pipeline":[]`} {
		if res := post(h, action, `{`+names+keys+`}`, nil); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, want 200", action, res.StatusCode)
		}
	}
}

// What rules are told of a request is the operation, whatever the action is called.
func TestOperationsOfActions(t *testing.T) {
	const filter = `,"filter":{}`
	for action, want := range map[string]struct{ operation, keys string }{
		"find": {"find", ``}, "findOne": {"find", ``}, "countDocuments": {"count", ``}, "distinct": {"distinct", `,"key":"a"`},
		"aggregate": {"aggregate", `,"pipeline":[]`}, "insertOne": {"insert", `,"document":{}`}, "insertMany": {"insert", `,"documents":[{}]`},
		"updateOne": {"update", filter + `,"update":{}`}, "updateMany": {"update", filter + `,"update":{}`},
		"replaceOne": {"update", filter + `,"replacement":{}`}, "deleteOne": {"delete", filter}, "deleteMany": {"delete", filter},
		"findOneAndUpdate": {"update", filter + `,"update":{}`}, "findOneAndReplace": {"update", filter + `,"replacement":{}`},
		"findOneAndDelete": {"delete", filter},
	} {
		f := &fake{ids: proxy.IDs{value(t, `1`)}}
		if res := post(dataapi.New(config(f)), action, `{`+names+want.keys+`}`, nil); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", action, res.StatusCode)
		}
		if r := f.caller.Request; r.Operation != want.operation || r.Action != action {
			t.Errorf("%s: operation %q, action %q, want %q", action, r.Operation, r.Action, want.operation)
		}
	}
}

// What was stored before a failure is told, in the format the client asked for, under the type of errors.
func TestPartialWrites(t *testing.T) {
	done := &proxy.Done{Inserted: proxy.IDs{value(t, oid), value(t, `2`)}, Matched: 3, Modified: 2, Deleted: 4}
	done.Bulk = &proxy.BulkResult{
		Matched: 3, Modified: 2, Deleted: 4,
		Inserted: []proxy.BulkID{{Operation: 0, ID: value(t, oid)}}, Upserted: []proxy.BulkID{{Operation: 7, ID: value(t, `2`)}},
	}
	f := &fake{err: &proxy.Error{Kind: proxy.DuplicateKey, Done: done}}
	h := dataapi.New(config(f))
	tests := []struct{ action, body, accept, want string }{
		{"insertMany", `"documents":[{},{},{}]`, "application/json", `"insertedIds":["0123456789abcdef01234567",2]}`},
		{"insertMany", `"documents":[{},{},{}]`, "application/ejson", `"insertedIds":[` + oid + `,{"$numberInt":"2"}]}`},
		{"updateMany", `"filter":{},"update":{"$set":{"a":1}}`, "application/json", `"matchedCount":3,"modifiedCount":2}`},
		{"replaceOne", `"filter":{},"replacement":{}`, "application/json", `"matchedCount":3,"modifiedCount":2}`},
		{"deleteMany", `"filter":{}`, "application/json", `"deletedCount":4}`},
		{"findOne", `"filter":{}`, "application/json", `"error_code":"MongoDBError"}`},
		{
			"bulkWrite", `"operations":[{"deleteOne":{"filter":{}}}]`, "application/json",
			`"insertedCount":1,"matchedCount":3,"modifiedCount":2,"deletedCount":4,"upsertedCount":1,"insertedIds":{"0":"0123456789abcdef01234567"},"upsertedIds":{"7":2}}`,
		},
	}
	for _, tt := range tests {
		res := post(h, tt.action, `{`+names+`,`+tt.body+`}`, header("Accept", tt.accept))
		got := text(t, res)
		if res.StatusCode != 400 || !strings.HasPrefix(got, `{"error":"duplicate key","error_code":"MongoDBError"`) || !strings.HasSuffix(got, tt.want) {
			t.Errorf("%s: %d %s, want … %s", tt.action, res.StatusCode, got, tt.want)
		}
		if ct := res.Header.Get("Content-Type"); ct != "application/json" {
			t.Errorf("Content-Type: %q", ct)
		}
	}
}

func TestRuleRequest(t *testing.T) {
	f := &fake{}
	r := httptest.NewRequest(http.MethodPost, base+"updateOne?a=1&secret=x&%73ecret=y&Secret&b=%zz&%zz=1&c", strings.NewReader(`{`+names+`,"filter":{},"update":{}}`))
	r.RemoteAddr = "[2001:db8::1]:4711"
	for name, v := range map[string]string{
		"Apikey": "good-key", "Api-Key": "good-key", "Authorization": "Basic eDp5", "Jwttokenstring": "x", "Cookie": "c",
		"User-Agent": "ua", "Referer": "http://ref/", "X-Forwarded-For": "10.0.0.1", "X-Tag": "t",
	} {
		r.Header.Set(name, v)
	}
	w := httptest.NewRecorder()
	dataapi.New(config(f)).ServeHTTP(w, r)
	want := rules.Request{
		Operation: "update", Action: "updateOne", Service: "mongodb-atlas", HTTPMethod: "POST", Referrer: "http://ref/", UserAgent: "ua",
		RawQueryString: "a=1&b=%zz&c", RemoteAddress: "2001:db8::1",
		Headers: map[string][]string{"user-agent": {"ua"}, "referer": {"http://ref/"}, "x-forwarded-for": {"10.0.0.1"}, "x-tag": {"t"}},
	}
	if diff := cmp.Diff(want, f.caller.Request); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if id := w.Header().Get("X-Request-Id"); f.caller.ID != id {
		t.Errorf("the caller's id is %q, the header's %q", f.caller.ID, id)
	}
}
