package mongostore

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rolegate/rolegate/proxy"
)

func TestReadCommands(t *testing.T) {
	filter := mustDoc(t, `{"a": 1}`)
	majority := bson.D{{Key: "level", Value: "majority"}}
	stages := []bson.Raw{mustDoc(t, `{"$limit": 1}`), mustDoc(t, `{"$count": "n"}`)}
	const rest = `,"collation":{"locale":"simple"},"readConcern":{"level":"majority"}}`
	tests := map[string]struct {
		command func(readConcern bson.D, caps capabilities) bson.D
		want    string // without the closing bracket
	}{
		"find": {
			func(rc bson.D, caps capabilities) bson.D {
				q := proxy.Query{Filter: filter, Sort: mustDoc(t, `{"b": -1}`), Skip: 2, Limit: 3, BatchSize: 4}
				return findCommand("c", q, rc, caps)
			},
			`{"find":"c","filter":{"a":1},"sort":{"b":-1},"skip":2,"limit":3,"batchSize":4`,
		},
		"find everything": {
			func(rc bson.D, caps capabilities) bson.D {
				return findCommand("c", proxy.Query{BatchSize: 4}, rc, caps)
			},
			`{"find":"c","batchSize":4`,
		},
		"aggregate": {
			func(rc bson.D, caps capabilities) bson.D {
				return aggregateCommand("c", proxy.AggregateQuery{Stages: stages, BatchSize: 5}, rc, caps)
			},
			`{"aggregate":"c","pipeline":[{"$limit":1},{"$count":"n"}],"cursor":{"batchSize":5}`,
		},
		"aggregate nothing": {
			func(rc bson.D, caps capabilities) bson.D {
				return aggregateCommand("c", proxy.AggregateQuery{BatchSize: 5}, rc, caps)
			},
			`{"aggregate":"c","pipeline":[],"cursor":{"batchSize":5}`,
		},
		"aggregate documents of its own": {
			func(rc bson.D, caps capabilities) bson.D {
				return aggregateCommand("c", proxy.AggregateQuery{Stages: stages[:1], Documents: true, BatchSize: 5}, rc, caps)
			},
			`{"aggregate":1,"pipeline":[{"$limit":1}],"cursor":{"batchSize":5}`,
		},
		"distinct": {
			func(rc bson.D, caps capabilities) bson.D { return distinctCommand("c", "a.b", filter, rc, caps) },
			`{"distinct":"c","key":"a.b","query":{"a":1}`,
		},
		"distinct of everything": {
			func(rc bson.D, caps capabilities) bson.D { return distinctCommand("c", "a", nil, rc, caps) },
			`{"distinct":"c","key":"a"`,
		},
	}
	for name, tt := range tests {
		got := []string{ejson(t, tt.command(majority, mongoDB8)), ejson(t, tt.command(nil, embedded))}
		if diff := cmp.Diff([]string{tt.want + rest, tt.want + `}`}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWithoutDeadline(t *testing.T) {
	parent, end := context.WithTimeout(t.Context(), time.Hour)
	ctx, cancel := withoutDeadline(parent)
	defer cancel()
	if at, has := ctx.Deadline(); has {
		t.Errorf("the deadline is %v", at)
	}
	if err := ctx.Err(); err != nil {
		t.Errorf("ended before its parent: %v", err)
	}
	end()
	<-ctx.Done()
}
