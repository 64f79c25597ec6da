package mongostore

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/rolegate/rolegate/proxy"
	"github.com/rolegate/rolegate/rules"
)

// capabilities is what a server can do. The zero value can do nothing, which weakens guards: it is never used
// before the server has answered.
type capabilities struct {
	expr          bool // $expr in queries: guards are exact
	collation     bool
	bulkWrite     bool // the bulkWrite command of MongoDB 8.0: a result for every statement
	timedDistinct bool // maxTimeMS in distinct
	computed      bool // expressions in pipelines
	unionWith     bool
	documents     bool // $documents
	maxDocument   int  // bytes
	maxStatements int  // in one command
}

// capabilities asks the server and remembers the answer. Those who need it meanwhile ask, too: waiting for each other,
// they would outlive their own deadlines while the server cannot be reached.
func (s *source) capabilities(ctx context.Context) (capabilities, error) {
	if c := s.known.Load(); c != nil {
		return *c, nil
	}
	c, version, err := s.probe(ctx)
	if err != nil {
		return capabilities{}, err
	}
	if !s.known.CompareAndSwap(nil, &c) {
		return c, nil // somebody was faster, and has said so
	}
	s.log.Info("database reached", "hosts", s.hosts, "version", version,
		"expr", c.expr, "collation", c.collation, "bulk_write", c.bulkWrite,
		"computed", c.computed, "union_with", c.unionWith, "documents_stage", c.documents)
	if !c.expr {
		s.log.Warn("this server has no $expr: a write cannot be pinned exactly to what was checked; for development only",
			"hosts", s.hosts)
	}
	return c, nil
}

// Features implements proxy.Store.
func (s *Store) Features(ctx context.Context, ns rules.Namespace) (proxy.Features, error) {
	src, err := s.source(ns)
	if err != nil {
		return proxy.Features{}, err
	}
	c, err := src.capabilities(ctx)
	if err != nil {
		return proxy.Features{}, err
	}
	return proxy.Features{Computed: c.expr && c.computed, UnionWith: c.unionWith, Documents: c.documents}, nil
}

func (s *source) probe(ctx context.Context) (c capabilities, version string, err error) {
	admin := s.client.Database("admin")
	var hello struct {
		MaxDocument    int `bson:"maxBsonObjectSize"`
		MaxStatements  int `bson:"maxWriteBatchSize"`
		MaxWireVersion int `bson:"maxWireVersion"`
	}
	if err := admin.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
		return c, "", readError(err)
	}
	c.maxDocument, c.maxStatements = hello.MaxDocument, hello.MaxStatements
	var build struct {
		Version string `bson:"version"`
	}
	if err := admin.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build); err != nil {
		return c, "", readError(err)
	}

	// Inside a pipeline, because one server refuses what it lacks there even when there is no document to try it on.
	match := bson.D{{Key: "$match", Value: bson.D{{Key: "$expr", Value: bson.D{{Key: "$eq", Value: bson.A{1, 1}}}}}}}
	if c.expr, err = s.accepts(ctx, s.probeDatabase, pipeline("probe", match)); err != nil {
		return c, "", err
	}
	if c.collation, err = s.accepts(ctx, s.probeDatabase, bson.D{
		{Key: "find", Value: "probe"},
		{Key: "limit", Value: 1},
		{Key: "collation", Value: simpleCollation},
	}); err != nil {
		return c, "", err
	}
	const mongoDB80 = 25 // wire version
	if hello.MaxWireVersion >= mongoDB80 && !s.noBulkWrite {
		c.bulkWrite, err = s.accepts(ctx, "admin", bson.D{
			{Key: "bulkWrite", Value: 1},
			{Key: "ops", Value: bson.A{}}, // none, which every server that knows the command complains about
			{Key: "nsInfo", Value: bson.A{}},
		})
	}
	if err == nil {
		err = s.probeReads(ctx, &c)
	}
	return c, build.Version, err
}

// probeReads asks for what some reads need and others do without.
func (s *source) probeReads(ctx context.Context, c *capabilities) error {
	each := bson.D{{Key: "$map", Value: bson.D{{Key: "input", Value: "$a"}, {Key: "in", Value: "$$this"}}}}
	for _, probe := range []struct {
		has *bool
		cmd bson.D
	}{
		{&c.computed, pipeline("probe",
			bson.D{{Key: "$project", Value: bson.D{{Key: "a", Value: each}}}},
			bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "$mergeObjects", Value: bson.A{"$$ROOT"}}}}},
		)},
		{&c.unionWith, pipeline("probe", bson.D{{Key: "$unionWith", Value: bson.D{{Key: "coll", Value: "probe"}}}})},
		{&c.documents, pipeline(1, bson.D{{Key: "$documents", Value: bson.A{}}})},
	} {
		var err error
		if *probe.has, err = s.runs(ctx, s.probeDatabase, probe.cmd); err != nil {
			return err
		}
	}
	timed, cancel := context.WithTimeout(ctx, time.Hour) // the driver sends what is left as maxTimeMS
	defer cancel()
	var err error
	c.timedDistinct, err = s.runs(timed, s.probeDatabase, bson.D{{Key: "distinct", Value: "probe"}, {Key: "key", Value: "a"}})
	return err
}

// pipeline is an aggregation on a collection, or on the database where that is 1.
func pipeline(collection any, stages ...bson.D) bson.D {
	return bson.D{
		{Key: "aggregate", Value: collection},
		{Key: "pipeline", Value: stages},
		{Key: "cursor", Value: bson.D{}},
	}
}

// accepts tells whether the server knows what a command needs. A refusal for any other reason, such as missing
// rights on the probed database, is a yes: assuming less would weaken the guards.
func (s *source) accepts(ctx context.Context, database string, cmd bson.D) (bool, error) {
	code, err := s.try(ctx, database, cmd)
	return err == nil && !becauseUnknown[code], err
}

// runs tells whether the server takes a command. Any refusal but for missing rights on the probed database is a no:
// assuming less only refuses more.
func (s *source) runs(ctx context.Context, database string, cmd bson.D) (bool, error) {
	code, err := s.try(ctx, database, cmd)
	return err == nil && (code == 0 || becauseOfRights[code]), err
}

// try returns the code that the server refuses a command with, 0 when it takes it, or that it gave no answer.
func (s *source) try(ctx context.Context, database string, cmd bson.D) (code int32, err error) {
	err = s.client.Database(database).RunCommand(ctx, cmd).Err()
	if err == nil {
		return 0, nil
	}
	var refused mongo.CommandError
	if !errors.As(err, &refused) || refused.Code == 0 || becauseOfState[refused.Code] || becauseOfTime[refused.Code] {
		return 0, readError(err)
	}
	return refused.Code, nil
}

var becauseUnknown = map[int32]bool{
	59:    true, // CommandNotFound
	115:   true, // CommandNotSupported
	238:   true, // NotImplemented
	40324: true, // unrecognized pipeline stage
}
