package oracle_test

import (
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/integration/oracle"
	"github.com/rolegate/rolegate/internal/source"
	"github.com/rolegate/rolegate/rules/expr"
)

const dateSums = 4000

// TestDateSumsAreTheServers holds %dateAdd and %dateSubtract against $dateAdd and $dateSubtract, on several calendars.
func TestDateSumsAreTheServers(t *testing.T) {
	e := oracle.Open(t)
	units := []string{"year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond"}
	names := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"}
	docs := make([]bson.D, dateSums*e.Scale)
	for i := range docs {
		from := time.Unix(e.Rand.Int64N(4e9)-1e9, e.Rand.Int64N(1000)*1e6).UTC()
		if e.Rand.IntN(3) == 0 { // the last days of months
			from = time.Date(1970+e.Rand.IntN(100), time.Month(1+e.Rand.IntN(12)), 28+e.Rand.IntN(4), 12, 0, 0, 0, time.UTC)
		}
		docs[i] = bson.D{
			{Key: "from", Value: from},
			{Key: "n", Value: e.Rand.Int64N(400) - 200},
			{Key: "unit", Value: units[e.Rand.IntN(len(units))]},
			{Key: "zone", Value: names[e.Rand.IntN(len(names))]},
		}
	}
	coll, _ := e.Fill(t, "dates", docs)
	sum := bson.D{
		{Key: "startDate", Value: "$from"}, {Key: "unit", Value: "$unit"}, {Key: "amount", Value: "$n"}, {Key: "timezone", Value: "$zone"},
	}
	cur, err := coll.Aggregate(t.Context(), bson.A{bson.D{{Key: "$addFields", Value: bson.D{
		{Key: "sum", Value: bson.D{{Key: "$dateAdd", Value: sum}}}, {Key: "difference", Value: bson.D{{Key: "$dateSubtract", Value: sum}}},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for cur.Next(t.Context()) {
		zone, err := time.LoadLocation(cur.Current.Lookup("zone").StringValue())
		if err != nil {
			t.Fatal(err)
		}
		for op, field := range map[string]string{"dateAdd": "sum", "dateSubtract": "difference"} {
			text := fmt.Sprintf(`{%q: {"%%%s": {"startDate": "%%%%root.from", "unit": %q, "amount": "%%%%root.n"}}}`,
				field, op, cur.Current.Lookup("unit").StringValue())
			v, ds := source.Parse(&source.File{Name: "rule", Text: []byte(text)})
			x := expr.Parse(v, expr.InRole, expr.Names{}, &ds)
			if ds.HasErrors() {
				t.Fatalf("%s: %v", text, ds)
			}
			if x.Bind(&expr.Scope{TimeZone: zone}).Eval(&expr.Env{Root: cur.Current}) != expr.True {
				t.Errorf("%s is not so of %s", text, cur.Current)
			}
			compared++
		}
	}
	if err := cur.Err(); err != nil {
		t.Fatal(err)
	}
	if compared != 2*len(docs) {
		t.Errorf("%d dates compared, want %d", compared, 2*len(docs))
	}
	t.Logf("%d dates are the server's", compared)
}
