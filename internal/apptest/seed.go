package apptest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/internal/bsonval"
	"github.com/rolegate/rolegate/internal/policytest"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// Seeder stores documents as they are.
type Seeder interface {
	Seed(ctx context.Context, ns rules.Namespace, docs []bson.Raw) error
}

// Seed stores what a case begins with. The custom data of a user goes where the app looks for it; custom is nil where it
// does not.
func Seed(ctx context.Context, s Seeder, c *policytest.Case, custom *proxy.CustomDataSource) error {
	for _, coll := range c.Documents {
		if err := s.Seed(ctx, rules.Namespace(coll.Namespace), coll.Documents); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Users)) {
		u := c.Users[name]
		switch {
		case u.CustomData == nil:
			continue
		case custom == nil:
			return fmt.Errorf("the user %q has custom_data, and the app looks for none", name)
		}
		if err := s.Seed(ctx, custom.NS, []bson.Raw{customData(u, custom.UserIDField)}); err != nil {
			return err
		}
	}
	return nil
}

// customData is the document of a user, who is named in the field.
func customData(u *policytest.User, field string) bson.Raw {
	doc, start := bsonval.BeginDocument(nil)
	if _, given := bsonval.Lookup(u.CustomData, "_id"); !given {
		doc = bsonval.AppendElement(doc, "_id", bsonval.FromString("custom-"+u.Name))
	}
	if _, given := bsonval.Lookup(u.CustomData, field); !given {
		doc = bsonval.AppendElement(doc, field, bsonval.FromString(u.ID))
	}
	for it := bsonval.NewIter(u.CustomData); it.Next(); {
		doc = bsonval.AppendElementBytes(doc, it.Key(), it.Value())
	}
	return bsonval.EndDocument(doc, start)
}
