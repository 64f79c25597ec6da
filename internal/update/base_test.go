package update_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolegate/rolegate/internal/query"
	"github.com/rolegate/rolegate/internal/update"
)

func TestBase(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		filter, want string
		code         int
	}{
		{filter: `{}`, want: `{}`},
		{filter: `{"a":{"$gt":1},"b":{"$exists":true}}`, want: `{}`},
		{filter: `{"b":1,"a.y":2,"a.x":3,"_id":4}`, want: `{"_id":4,"a":{"x":3,"y":2},"b":1}`},
		{filter: `{"b":1,"_id.y":2,"_id.x":3}`, want: `{"_id":{"x":3,"y":2},"b":1}`},
		{filter: `{"a.0":1,"a.1":2}`, want: `{"a":{"0":1,"1":2}}`},
		{filter: `{"a":1,"$and":[{"a":1}]}`, code: 54},
		{filter: `{"a":{"b":1},"a.b":1}`, code: 54},
		{filter: `{"_id":1,"$and":[{"_id":1}]}`, code: 54},
		{filter: `{"_id":{"a":1},"$and":[{"_id.a":1}]}`, code: 54},
		{filter: `{"_id":{"$eq":[1]}}`, code: 53},
		{filter: `{"a":{"b.c":1}}`, code: 57},
	} {
		f, err := query.Parse(raw(t, c.filter), query.Options{})
		if err != nil {
			t.Fatal(err)
		}
		base, err := update.Base(f)
		switch {
		case c.code != 0:
			if code(err) != c.code {
				t.Errorf("Base(%s): %v (code %d), want code %d", c.filter, err, code(err), c.code)
			}
		case err != nil:
			t.Errorf("Base(%s): %v", c.filter, err)
		default:
			if diff := cmp.Diff(text(t, raw(t, c.want)), text(t, base)); diff != "" {
				t.Errorf("Base(%s) (-want +got)\n%s", c.filter, diff)
			}
		}
	}
}
