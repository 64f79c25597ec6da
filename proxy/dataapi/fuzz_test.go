package dataapi_test

import (
	"encoding/json"
	"io"
	"testing"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/proxy/dataapi"
)

// FuzzBody holds that no body makes a door of a stable proxy fail in any way but 400 or 413, and that every answer is
// a JSON object with its length stated.
func FuzzBody(f *testing.F) {
	for action, rest := range map[string]string{
		"find": `"filter":{"a":{"$in":[1,"x"]}},"sort":{"a":1},"limit":3`, "insertOne": `"document":{"a":{"$oid":"0123456789abcdef01234567"}}`,
		"insertMany": `"documents":[{},{"a":null}]`, "updateOne": `"filter":{},"update":{"$pull":{"a":{"$minKey":1}}},"arrayFilters":[{"x":1}]`,
		"replaceOne": `"filter":{},"replacement":{},"upsert":true`, "deleteMany": `"filter":{"_id":1.5}`,
		"findOneAndUpdate": `"filter":{},"update":{"$inc":{"a":1}},"sort":{"a":-1},"projection":{"a":1},"returnNewDocument":true`,
		"bulkWrite":        `"operations":[{"insertOne":{"document":{}}},{"updateMany":{"filter":{},"update":{"$set":{"a":1}}}}],"ordered":false`,
	} {
		f.Add(action, []byte(`{`+names+`,`+rest+`}`), false)
		f.Add(action, []byte(`{`+names+`,`+rest+`}`), true)
	}
	f.Fuzz(func(t *testing.T, action string, body []byte, ejson bool) {
		switch action {
		case "find", "findOne", "insertOne", "insertMany", "updateOne", "updateMany", "replaceOne", "deleteOne", "deleteMany",
			"findOneAndUpdate", "findOneAndReplace", "findOneAndDelete", "bulkWrite":
		default:
			t.Skip("no action that has a body of its own")
		}
		c := config(&fake{ids: proxy.IDs{value(t, "1")}})
		c.MaxBody = 1 << 16
		if ejson {
			c.ReturnType = dataapi.EJSON
		}
		res := post(dataapi.New(c), action, string(body), nil)
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		var object map[string]any
		if err := json.Unmarshal(answer, &object); err != nil || res.ContentLength != int64(len(answer)) {
			t.Fatalf("%d %s: %v, Content-Length %d", res.StatusCode, answer, err, res.ContentLength)
		}
		_, isError := object["error"].(string)
		if (res.StatusCode == 200) == isError || res.StatusCode != 200 && res.StatusCode != 400 && res.StatusCode != 413 {
			t.Fatalf("%d %s", res.StatusCode, answer)
		}
	})
}
