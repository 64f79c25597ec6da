package mongostore

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// capabilities is what a server can do. The zero value can do nothing, which weakens guards: it is never used
// before the server has answered.
type capabilities struct {
	expr          bool // $expr in queries: guards are exact
	collation     bool
	bulkWrite     bool // the bulkWrite command of MongoDB 8.0: a result for every statement
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
		"expr", c.expr, "collation", c.collation, "bulk_write", c.bulkWrite)
	if !c.expr {
		s.log.Warn("this server has no $expr: a write cannot be pinned exactly to what was checked; for development only",
			"hosts", s.hosts)
	}
	return c, nil
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
	if c.expr, err = s.accepts(ctx, s.probeDatabase, bson.D{
		{Key: "aggregate", Value: "probe"},
		{Key: "pipeline", Value: bson.A{match}},
		{Key: "cursor", Value: bson.D{}},
	}); err != nil {
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
	return c, build.Version, err
}

// accepts tells whether the server knows what a command needs. A refusal for any other reason, such as missing
// rights on the probed database, is a yes: assuming less would weaken the guards.
func (s *source) accepts(ctx context.Context, database string, cmd bson.D) (bool, error) {
	err := s.client.Database(database).RunCommand(ctx, cmd).Err()
	if err == nil {
		return true, nil
	}
	var refused mongo.CommandError
	if !errors.As(err, &refused) || refused.Code == 0 || becauseOfState[refused.Code] {
		return false, readError(err)
	}
	return !becauseUnknown[refused.Code], nil
}

var becauseUnknown = map[int32]bool{
	59:    true, // CommandNotFound
	115:   true, // CommandNotSupported
	238:   true, // NotImplemented
	40324: true, // unrecognized pipeline stage
}
