package policytest_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/policytest"
)

func TestHTTP(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	tests := []struct {
		name, step, answer string
		status             int
		request            string // what was sent
		want               string
	}{
		{
			"find", "find app.c {\"a\": {\"$gt\": 1}}\nlimit 3\nheader X-Org: acme", `{"documents":[{"a":{"$numberInt":"2"}}]}`, 200,
			"POST /app/cases-abcde/endpoint/data/v1/action/find\n" +
				`{"dataSource": "mongodb-atlas", "database": "app", "collection": "c", "filter": {"a": {"$gt": 1}}, "limit": 3}`,
			`{"a":2}`,
		},
		{"findOne", "findOne app.c {}", `{"document":null}`, 200, "", "null"},
		{"insertOne", "insertOne app.c {}", `{"insertedId":"x"}`, 201, "", `inserted "x"`},
		{"insertMany", "insertMany app.c [{}]", `{"insertedIds":["x",{"$numberInt":"1"}]}`, 200, "", `inserted "x" 1`},
		{"update", "updateOne app.c {} {}", `{"matchedCount":{"$numberInt":"1"},"modifiedCount":{"$numberInt":"0"}}`, 200, "", "matched 1 modified 0"},
		{"upsert", "updateOne app.c {} {}", `{"matchedCount":0,"modifiedCount":0,"upsertedId":"x"}`, 200, "", `matched 0 modified 0 upserted "x"`},
		{"delete", "deleteOne app.c {}", `{"deletedCount":{"$numberInt":"2"}}`, 200, "", "deleted 2"},
		{"findOneAndDelete", "findOneAndDelete app.c {}\nsort {\"a\": 1}", `{"document":{"a":{"$numberInt":"2"}}}`, 200, "", `{"a":2}`},
		{
			"bulkWrite", "bulkWrite app.c [{\"deleteOne\": {\"filter\": {}}}]\nordered false",
			`{"insertedCount":{"$numberInt":"1"},"matchedCount":{"$numberInt":"2"},"modifiedCount":{"$numberInt":"3"},"deletedCount":{"$numberInt":"4"},"upsertedCount":{"$numberInt":"1"},"insertedIds":{"0":"x"},"upsertedIds":{"3":{"$numberInt":"7"}}}`,
			200,
			"POST /app/cases-abcde/endpoint/data/v1/action/bulkWrite\n" +
				`{"dataSource": "mongodb-atlas", "database": "app", "collection": "c", "operations": [{"deleteOne": {"filter": {}}}], "ordered": false}`,
			`bulk inserted 1 matched 2 modified 3 deleted 4 upserted 1 0:"x" 3:7`,
		},
		{"count", "countDocuments app.c {}", `{"count":{"$numberInt":"2"}}`, 200, "", "count 2"},
		{"distinct", `distinct app.c "a" {}`, `{"values":["x"]}`, 200, "", `values ["x"]`},
		{"error", "find app.c {}", `{"error":"no","error_code":"InvalidParameter"}`, 400, "", "error 400 InvalidParameter: no"},
		{
			"written out", "PUT /x?a=1\nX-A: b\n\n{\"a\": 1}", "body", 405,
			"PUT /x?a=1\n" + `{"a": 1}`, "status 405\n\nbody",
		},
		{"credentials", "POST /x\n\n{key ci} {key bob} {key ann}", "", 204, "POST /x\nk-1 {key bob} ", "status 204"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var sent string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				sent = r.Method + " " + r.URL.String() + "\n" + string(body)
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.answer)
			}))
			defer server.Close()
			c := mustParse(t, "c.txtar", "A case.\nSpec: x\n-- users.json --\n{\"ann\": {\"id\": \"ua\"}, \"ci\": {\"id\": \"uk\", \"type\": \"server\"}}\n"+
				"-- 1. ann asks --\n"+tt.step+"\n-- 1. want --\n")
			h := policytest.HTTP{
				Case: c, URL: server.URL, Client: server.Client(),
				Keys: map[string]string{"ci": "k-1"}, Now: func() time.Time { return now },
			}
			got, err := h.Do(t.Context(), c.Steps[0])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, strings.Join(got.Lines(nil), "\n")); diff != "" {
				t.Errorf("Do (-want +got):\n%s", diff)
			}
			if tt.request != "" && sent != tt.request {
				t.Errorf("sent %s, want %s", sent, tt.request)
			}
		})
	}
}

func TestToken(t *testing.T) {
	c := mustParse(t, "salary.txtar", salary)
	parts := strings.Split(policytest.Token(c.Users["bob"], time.Unix(1_700_000_000, 0)), ".")
	if len(parts) != 3 {
		t.Fatalf("Token has %d parts", len(parts))
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	want := `{"sub":"b","aud":"cases-abcde","iat":1700000000,"exp":1700003600,"email":"b@x"}`
	if err != nil || string(claims) != want {
		t.Errorf("claims = %s, %v, want %s", claims, err, want)
	}
}
