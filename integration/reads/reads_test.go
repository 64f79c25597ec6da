// Package reads holds tests of what reads ask of a database, with a whole proxy in front of a real one.
package reads

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"testing"
	"testing/fstest"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/rolegate/rolegate/config"
	"github.com/rolegate/rolegate/integration/testdb"
	"github.com/rolegate/rolegate/internal/ejson"
	"github.com/rolegate/rolegate/internal/mongostore"
	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

const service = "mongodb-atlas"

// watched is a store that notes which pipelines it was sent.
type watched struct {
	proxy.Store
	sent []proxy.AggregateQuery
}

func (w *watched) Aggregate(ctx context.Context, ns rules.Namespace, q proxy.AggregateQuery) iter.Seq2[bson.Raw, error] {
	w.sent = append(w.sent, q)
	return w.Store.Aggregate(ctx, ns, q)
}

// bench is a proxy in front of a collection of a database of its own.
type bench struct {
	*testdb.Server
	proxy    *proxy.Proxy
	store    *watched
	ns       rules.Namespace
	coll     *mongo.Collection
	readings *[]proxy.Reading
}

// ann is who asks.
var ann = proxy.Caller{User: &rules.User{ID: "ua", Type: rules.NormalUser}, ID: "1"}

func open(t *testing.T, roles string, docs ...any) bench {
	t.Helper()
	s := testdb.Open(t)
	s.NeedReal(t, "computed fields")
	ns := rules.Namespace{Service: service, Database: s.Database(t), Collection: "c"}
	app, ds := config.Load(fstest.MapFS{
		"root_config.json":                         {Data: []byte(`{"app_id": "demo-abcde", "config_version": 20210101, "name": "demo"}`)},
		"data_sources/" + service + "/config.json": {Data: []byte(`{"name": "` + service + `", "type": "mongodb-atlas", "config": {"clusterName": "Cluster0"}}`)},
		"data_sources/" + service + "/" + ns.Database + "/c/rules.json": {
			Data: fmt.Appendf(nil, `{"database": %q, "collection": "c", "roles": [%s], "filters": []}`, ns.Database, roles),
		},
	}, config.Options{})
	policy, more := rules.Compile(app, rules.Options{})
	if ds = append(ds, more...); ds.HasErrors() {
		t.Fatal(ds)
	}
	store, err := mongostore.Open(t.Context(), mongostore.Config{DataSources: map[string]string{service: s.URI}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s.Seed(t, ns.Database, ns.Collection, docs...)
	w := &watched{Store: store}
	var readings []proxy.Reading
	return bench{
		Server: s, store: w, ns: ns, readings: &readings,
		coll: s.Client(t).Database(ns.Database).Collection(ns.Collection),
		proxy: proxy.New(proxy.Config{
			Store: w, Policy: policy, Log: slog.New(slog.DiscardHandler),
			ObserveRead: func(r proxy.Reading) { readings = append(readings, r) },
		}),
	}
}

func doc(t testing.TB, text string) bson.Raw {
	t.Helper()
	d, err := ejson.Parse([]byte(text), ejson.Limits{})
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return d
}
